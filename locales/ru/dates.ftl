# Moments, dates and waits. Numbers and units are joined by a no-break space (U+00A0).
when-today = сегодня в { $time }
when-yesterday = вчера в { $time }
when-tomorrow = завтра в { $time }
when-day = { $date } в { $time }
day-today = сегодня
day-yesterday = вчера
days-ago = { $count ->
    [one] { $count } день назад
    [few] { $count } дня назад
   *[many] { $count } дней назад
}
deadline-today = сегодня до { $time } МСК · { $left }
deadline-day = до { $weekday } { $date }, { $time } МСК · { $left }
deadline-over = срок вышел: { $date }, { $time } МСК
span-moment = меньше минуты
span-minutes = { $count ->
    [one] { $count } минута
    [few] { $count } минуты
   *[many] { $count } минут
}
span-hours = { $count ->
    [one] { $count } час
    [few] { $count } часа
   *[many] { $count } часов
}
span-days = { $count ->
    [one] { $count } день
    [few] { $count } дня
   *[many] { $count } дней
}
date-day = { $day } { $month }
date-full = { $day } { $month } { $year } г.
date-short = { $day } { $month }
date-short-year = { $day } { $month } { $year } г.
month-1 = января
month-2 = февраля
month-3 = марта
month-4 = апреля
month-5 = мая
month-6 = июня
month-7 = июля
month-8 = августа
month-9 = сентября
month-10 = октября
month-11 = ноября
month-12 = декабря
month-short-1 = янв.
month-short-2 = февр.
month-short-3 = мар.
month-short-4 = апр.
month-short-5 = мая
month-short-6 = июня
month-short-7 = июля
month-short-8 = авг.
month-short-9 = сент.
month-short-10 = окт.
month-short-11 = нояб.
month-short-12 = дек.
weekday-1 = пн
weekday-2 = вт
weekday-3 = ср
weekday-4 = чт
weekday-5 = пт
weekday-6 = сб
weekday-7 = вс
# What is left of a promise: the verb agrees with the number.
left-moment = осталось меньше минуты
left-minutes = { $count ->
    [one] осталась { $count } минута
    [few] осталось { $count } минуты
   *[many] осталось { $count } минут
}
left-hours = { $count ->
    [one] остался { $count } час
    [few] осталось { $count } часа
   *[many] осталось { $count } часов
}
left-days = { $count ->
    [one] остался { $count } день
    [few] осталось { $count } дня
   *[many] осталось { $count } дней
}
