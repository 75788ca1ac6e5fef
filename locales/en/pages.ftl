# Notices after a redirect and other words of single pages.
missing-birth-date = Add your birth date
flash-others-ended = Done: you are signed out on your other devices.
flash-frozen = The account is frozen. No money leaves until you lift the freeze.
flash-unfrozen = The freeze is lifted.
limited-band-label = Limited mode
limited-band = The cabinet works in limited mode.
limited-band-name = Add your name
limited-band-email = Add an e-mail
