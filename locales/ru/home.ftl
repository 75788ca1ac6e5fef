home-hello = Здравствуйте!
home-hello-name = Здравствуйте, { $name }
level-title = Ваш кабинет
level-limited = Начальный
level-protected = Защищённый
level-identified = Подтверждённый
level-limited-gives = Можно осмотреться. Добавьте имя и почту, чтобы кабинет был под защитой.
level-protected-gives = Имя и почта на месте. Для продуктов банка подтвердите личность.
level-identified-gives = Личность подтверждена. Открыты все возможности, включая банк.
level-steps-label = Ступени кабинета
level-missing-label = Что осталось сделать
missing-name = Указать имя
missing-email = Добавить почту
missing-email-confirmation = Подтвердить почту
missing-passport = Добавить паспорт
missing-passport-check = Паспорт на проверке
missing-inn-or-snils = Добавить ИНН или СНИЛС
attention-title = Требует внимания
attention-none = Всё спокойно. Если что-то понадобится, напишем здесь.
attention-new-device = Вход с нового устройства. Это вы?
attention-wrong-codes = Кто-то вводил неверные коды
attention-stale-phone = Номер всё ещё ваш?
attention-stale-phone-note = Последний раз вы подтверждали его { $ago }
attention-data-declined = Данные не приняты
attention-data-declined-note = Посмотрите причину и отправьте снова
keys-title = Ключи от кабинета
keys-enough = Потеряете один ключ — войдёте другим.
keys-single = Ключ один. Потеряете его — вернуться будет сложнее.
keys-to-security = Безопасность
devices-count = { $count ->
    [one] { $count } устройство
    [few] { $count } устройства
   *[many] { $count } устройств
}
events-title = Последние события
events-all = Все
events-empty-title = Событий пока нет
events-empty-text = Здесь будут входы и важные изменения.
