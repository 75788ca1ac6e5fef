# Notices after a redirect and other words of single pages.
missing-birth-date = Указать дату рождения
flash-others-ended = Готово, на других устройствах вы вышли.
flash-frozen = Кабинет заморожен. Деньги не уйдут, пока вы не снимете заморозку.
flash-code-sent = Код уже отправлен. Новый можно запросить чуть позже: время видно ниже.
flash-code-pause = Код недавно уже отправляли. Подождите несколько минут и попробуйте снова.
flash-unfrozen = Заморозка снята.
limited-band-label = Ограниченный режим
limited-band = Ограниченный режим.
limited-band-name = Указать имя
limited-band-email = Добавить почту
