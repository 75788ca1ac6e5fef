# Notices after a redirect and other words of single pages.
missing-birth-date = Add your birth date
flash-others-ended = Done: you are signed out on your other devices.
flash-frozen = The account is frozen. No money leaves until you lift the freeze.
flash-code-sent = A code was sent already. You can ask for a new one a little later: the time is shown below.
flash-code-pause = A code was sent a short while ago. Wait a few minutes and try again.
flash-unfrozen = The freeze is lifted.
limited-band-label = Limited mode
limited-band = Limited mode.
limited-band-name = Add your name
limited-band-email = Add an e-mail
