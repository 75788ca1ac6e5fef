# Moments, dates and waits: numbers and units are joined by a no-break space (U+00A0).
when-today = today at { $time }
when-yesterday = yesterday at { $time }
when-tomorrow = tomorrow at { $time }
when-day = { $date } at { $time }
day-today = today
day-yesterday = yesterday
days-ago = { $count ->
    [one] { $count } day ago
   *[other] { $count } days ago
}
deadline-today = today until { $time } MSK · { $left }
deadline-day = until { $weekday } { $date }, { $time } MSK · { $left }
deadline-over = ended: { $date }, { $time } MSK
span-moment = less than a minute
span-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
span-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
span-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
date-day = { $day } { $month }
date-full = { $day } { $month } { $year }
date-short = { $day } { $month }
date-short-year = { $day } { $month } { $year }
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
month-short-1 = Jan
month-short-2 = Feb
month-short-3 = Mar
month-short-4 = Apr
month-short-5 = May
month-short-6 = Jun
month-short-7 = Jul
month-short-8 = Aug
month-short-9 = Sep
month-short-10 = Oct
month-short-11 = Nov
month-short-12 = Dec
weekday-1 = Mon
weekday-2 = Tue
weekday-3 = Wed
weekday-4 = Thu
weekday-5 = Fri
weekday-6 = Sat
weekday-7 = Sun
# What is left of a promise.
left-moment = less than a minute left
left-minutes = { $count ->
    [one] { $count } minute left
   *[other] { $count } minutes left
}
left-hours = { $count ->
    [one] { $count } hour left
   *[other] { $count } hours left
}
left-days = { $count ->
    [one] { $count } day left
   *[other] { $count } days left
}
