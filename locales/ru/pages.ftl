# Notices after a redirect and other words of single pages.
missing-birth-date = Указать дату рождения
flash-others-ended = Готово, на других устройствах вы вышли.
flash-frozen = Кабинет заморожен. Деньги не уйдут, пока вы не снимете заморозку.
flash-unfrozen = Заморозка снята.
limited-band-label = Ограниченный режим
limited-band = Кабинет работает в ограниченном режиме.
limited-band-name = Указать имя
limited-band-email = Добавить почту
