# Texts that leave the building: SMS and letters. An SMS has room for 134 characters of Russian.

## One-time codes
msg-purpose-sign-in = Вход в кабинет
msg-purpose-confirm-email = Подтверждение { $object }
msg-purpose-freeze = Заморозка кабинета
msg-purpose-unfreeze = Снятие заморозки
msg-purpose-change-phone = Новый телефон { $object }
msg-purpose-change-email = Новая почта
msg-purpose-new-phone = Номер для кабинета
msg-purpose-new-email = Почта для кабинета
msg-purpose-open-bank = Вход в раздел «Деньги»
msg-purpose-set-password = Новый пароль
msg-purpose-remove-password = Удаление пароля
msg-purpose-set-passcode = Новый код-пароль
msg-purpose-remove-passcode = Удаление кода-пароля
msg-purpose-add-passkey = Новый ключ доступа
msg-purpose-remove-passkey = Удаление ключа доступа
msg-purpose-add-totp = Приложение с кодами
msg-purpose-remove-totp = Отключение приложения
msg-purpose-issue-backup-codes = Новые запасные коды
msg-purpose-ask-second-factor = Включение второго фактора
msg-purpose-drop-second-factor = Без второго фактора
msg-purpose-set-code-word = Кодовое слово
msg-purpose-name-trusted = Доверенный: { $object }
msg-purpose-remove-trusted = Убрать доверенное лицо
msg-purpose-let-in = Впустить { $object }
msg-purpose-clear-doubt = Подтверждение номера
msg-purpose-add-email = Новая почта
msg-purpose-approve-money = Платёж { $object }
msg-purpose-recovery = Восстановление доступа
msg-purpose-confirm-number = Подтверждение номера
msg-code-sms =
    Код № { $number }: { $code }
    { $purpose }. Никому не сообщайте. Сотрудники не спросят этот код.
msg-code-subject = { $purpose }: код № { $number }
msg-code-lead = Ваш код № { $number }:
msg-code-lives = Код действует { $minutes ->
        [one] { $minutes } минуту
        [few] { $minutes } минуты
       *[many] { $minutes } минут
    } и подходит только для одного действия: { $purpose }.
msg-code-secret = Никому не сообщайте. Сотрудники не спросят этот код.
msg-code-not-you = Если это не вы, ничего не делайте: без кода ничего не произойдёт.
msg-confirm-subject = Подтвердите почту: код № { $number }
msg-confirm-lead = Вы добавили эту почту в кабинет. Нажмите кнопку или введите код № { $number } на странице, где добавляли.
msg-confirm-button = Подтвердить почту

## A letter to an address that leads nowhere
msg-nobody-subject = Здесь нет вашего кабинета
msg-nobody-lead = Кто-то ввёл этот адрес, чтобы войти на { $host }, но кабинета с такой почтой нет.
msg-nobody-you = Если это были вы, войдите по номеру телефона. Почту можно добавить в самом кабинете.
msg-nobody-button = Войти по телефону
msg-nobody-not-you = Если это не вы, просто удалите письмо: с вашим адресом ничего не произошло.

## Security notices; the short form is for SMS and follows "Кабинет: "
msg-event-new-device = Вход с нового устройства
msg-short-new-device = новый вход
msg-event-email-added = К кабинету добавлена почта { $object }
msg-short-email-added = добавлена почта { $object }
msg-event-email-changed = Почта изменена на { $object }
msg-short-email-changed = почта изменена на { $object }
msg-event-email-removed = Почта { $object } удалена из кабинета
msg-short-email-removed = удалена почта { $object }
msg-event-phone-changed = Телефон изменён на { $object }
msg-short-phone-changed = телефон изменён на { $object }
msg-event-frozen = Кабинет заморожен: деньги не уходят, другие устройства отключены
msg-short-frozen = кабинет заморожен
msg-event-unfrozen = Заморозка снята
msg-short-unfrozen = заморозка снята
msg-event-sessions-ended = Сеансы на других устройствах завершены
msg-short-sessions-ended = другие сеансы завершены
msg-event-suspicious = Кто-то подбирает код к вашему кабинету
msg-short-suspicious = кто-то подбирает код ко входу
msg-event-code-resting = Вход по коду приостановлен: слишком много неверных кодов
msg-short-code-resting = вход по коду приостановлен
msg-event-profile-changed = Данные профиля изменены
msg-short-profile-changed = данные профиля изменены
msg-event-consent-changed = Согласия изменены
msg-short-consent-changed = согласия изменены
msg-event-secret-changed = Пароль или способ входа изменён
msg-short-secret-changed = способ входа изменён
msg-event-passkey-added = Добавлен ключ доступа. Сутки он не подтверждает переводы денег
msg-short-passkey-added = добавлен ключ доступа
msg-event-passkey-removed = Ключ доступа удалён
msg-short-passkey-removed = удалён ключ доступа
msg-event-passkey-suspected = Похоже, у ключа доступа есть копия. Он больше не действует: удалите его и добавьте новый
msg-short-passkey-suspected = у ключа доступа, похоже, есть копия
msg-event-password-set = Задан новый пароль
msg-short-password-set = задан новый пароль
msg-event-password-removed = Пароль удалён
msg-short-password-removed = пароль удалён
msg-event-passcode-set = Задан новый код-пароль
msg-short-passcode-set = задан новый код-пароль
msg-event-passcode-removed = Код-пароль удалён
msg-short-passcode-removed = код-пароль удалён
msg-event-passcode-gone = Код-пароль отключён: пять неверных попыток
msg-short-passcode-gone = код-пароль отключён
msg-event-key-added = Код-пароль теперь работает ещё на одном устройстве
msg-short-key-added = код-пароль на новом устройстве
msg-event-code-word-set = Задано кодовое слово
msg-short-code-word-set = задано кодовое слово
msg-event-code-word-closed = Кодовое слово закрыто: поддержке трижды назвали неверное
msg-short-code-word-closed = кодовое слово закрыто
msg-event-totp-added = Подключено приложение с кодами
msg-short-totp-added = подключено приложение с кодами
msg-event-totp-removed = Приложение с кодами отключено
msg-short-totp-removed = приложение с кодами отключено
msg-event-backup-codes-issued = Выпущены новые запасные коды, прежние не действуют
msg-short-backup-codes-issued = новые запасные коды
msg-event-backup-code-used = Использован запасной код
msg-short-backup-code-used = использован запасной код
msg-event-backup-codes-void = Запасные коды больше не действуют: выпустите новые
msg-short-backup-codes-void = запасные коды больше не действуют
msg-event-second-factor-on = Вход теперь всегда спрашивает второй фактор
msg-short-second-factor-on = второй фактор включён
msg-event-second-factor-off = Вход больше не спрашивает второй фактор
msg-short-second-factor-off = второй фактор выключен
msg-event-let-in-refused = Компьютер просил впустить его по QR-коду: выбрано не то число, вход отклонён
msg-short-let-in-refused = вход по QR отклонён
msg-event-number-doubted = Оператор сообщил, что номер или SIM-карта сменились
msg-short-number-doubted = оператор сообщил о смене SIM
msg-event-number-cleared = Номер подтверждён: он снова открывает вход
msg-short-number-cleared = номер подтверждён
msg-event-trusted-named = Назначено доверенное лицо: оно может заморозить кабинет, но не войти
msg-short-trusted-named = назначено доверенное лицо
msg-event-trusted-removed = Доверенное лицо удалено
msg-short-trusted-removed = доверенное лицо удалено
msg-event-recovery-started = Кто-то восстанавливает доступ к вашему кабинету
msg-short-recovery-started = кто-то восстанавливает доступ
msg-event-recovery-stopped = Восстановление доступа остановлено
msg-short-recovery-stopped = восстановление доступа остановлено
msg-recovery-not-you = Если нет, остановите его: нажмите кнопку. Входить для этого не надо.
msg-recovery-button = Остановить восстановление
msg-event-phone-moving = Телефон сменится на { $object }
msg-short-phone-moving = телефон сменится на { $object }
msg-event-email-moving = Почта сменится на { $object }
msg-short-email-moving = почта сменится на { $object }
msg-event-move-stopped = Смена телефона или почты отменена: всё осталось по-прежнему
msg-short-move-stopped = смена отменена
msg-event-move-disputed = Против смены телефона или почты возразили: она остановлена
msg-short-move-disputed = смена остановлена возражением
msg-event-move-lapsed = Смена не состоялась: новый телефон или почта уже ведут в другой кабинет
msg-short-move-lapsed = смена не состоялась
msg-event-phone-restored = Телефон { $object } вернулся в кабинет, деньги заморожены
msg-short-phone-restored = вернулся телефон { $object }
msg-event-email-restored = Почта { $object } вернулась в кабинет, деньги заморожены
msg-short-email-restored = вернулась почта { $object }
msg-notice-sms = { $brand }: { $event }. Не вы? { $link }
msg-notice-when = Когда: { $moment }
msg-notice-device = Устройство: { $device }
msg-notice-place = Место: { $place }
msg-notice-you = Если это вы, ничего делать не нужно.
msg-notice-not-you = Если нет, нажмите кнопку: исходящие деньги остановятся, другие сеансы завершатся. Входить для этого не надо.
msg-notice-button = Это не я

## Changes that can be taken back
msg-change-sms = { $brand }: { $event }. Не вы? { $link }
msg-change-from-short = { $moment }
msg-change-from = Когда вступит в силу: { $moment }
msg-change-undo = Если нет, нажмите кнопку: прежний телефон или почта вернётся, другие сеансы завершатся, исходящие деньги остановятся. Входить для этого не надо.
msg-change-undo-button = Вернуть как было
msg-change-stop = Если нет, нажмите кнопку: смена остановится. Входить для этого не надо.
msg-change-stop-button = Остановить смену

## Trusted people
msg-trusted-named-sms = { $brand }: вы доверенное лицо. Можно заморозить кабинет знакомого: { $link }
msg-trusted-removed-sms = { $brand }: вы больше не доверенное лицо.

## Marketing
msg-marketing-sms = { $brand }: { $title }. Отписаться: { $link }
msg-marketing-why = Вы получили это письмо, потому что согласились на рассылку.
msg-marketing-button = Отписаться

## Common
msg-footer = { $brand } · { $host }
msg-moment = { $day } { $month ->
        [1] января
        [2] февраля
        [3] марта
        [4] апреля
        [5] мая
        [6] июня
        [7] июля
        [8] августа
        [9] сентября
        [10] октября
        [11] ноября
       *[12] декабря
    }, { $time } { $zone }
