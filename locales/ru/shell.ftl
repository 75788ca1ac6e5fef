product-name = Кабинет
skip-to-content = К содержанию
help = Помощь
other-language = English
areas-label = Разделы кабинета
area-home = Главная
area-bank = Деньги
area-security = Безопасность
area-security-short = Защита
area-notifications = Уведомления
area-notifications-short = Рассылки
area-profile = Профиль
back = Назад
cancel = Отмена
continue = Продолжить
save = Сохранить
refresh = Обновить
new-tab = (в новой вкладке)
error-prefix = Ошибка:
error-summary-title = Проверьте, пожалуйста
field-optional = необязательно
foot-never-ask = Мы никогда не просим назвать код. Ни по телефону, ни в переписке.
foot-legal = Обработка данных
foot-freeze = Заморозить вход и деньги
theme = Оформление
theme-system = Авто
theme-light = Светлое
theme-dark = Тёмное
frozen-band-label = Заморозка
frozen-band = Исходящие платежи остановлены { $since }.
frozen-band-link = Что дальше
door-side-label = О кабинете
door-side-title = Один вход к деньгам и покупкам
door-point-code = Входите по коду: пароль помнить не нужно
door-point-notice = О каждом новом устройстве мы сразу сообщим
door-point-back = Потеряли телефон? Поможем вернуться, а чужого не впустим
keyring-label = { $count ->
    [one] Связка ключей: { $count } способ входа
    [few] Связка ключей: { $count } способа входа
   *[many] Связка ключей: { $count } способов входа
}
way-phone = Код на телефон
way-email = Код на почту
way-passkey = Отпечаток или лицо
way-secret = Пароль
way-present = есть
way-absent = нет
sample-given-name = Анна
