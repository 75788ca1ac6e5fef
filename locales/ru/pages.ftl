# Notices after a redirect and other words of single pages.
missing-birth-date = Добавьте дату рождения
flash-others-ended = Готово, на других устройствах вы вышли.
flash-frozen = Аккаунт заморожен. Деньги не уйдут, пока вы не снимете заморозку.
flash-unfrozen = Заморозка снята.
