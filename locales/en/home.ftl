home-hello = Hello!
home-hello-name = Hello, { $name }
level-title = Your account
level-limited = Basic
level-protected = Protected
level-identified = Identified
level-limited-gives = You can look around. Add your name and e-mail to protect the account.
level-protected-gives = Name and e-mail are in place. Confirm who you are to use the bank.
level-identified-gives = Your identity is confirmed. Everything is open, the bank included.
level-steps-label = Account levels
level-missing-label = What is left to do
missing-name = Add your name
missing-email = Add an e-mail
missing-email-confirmation = Confirm your e-mail
missing-passport = Add your passport
missing-passport-check = Passport is being checked
missing-inn-or-snils = Add INN or SNILS
attention-title = Needs your attention
attention-none = All quiet. If something comes up, it will be here.
attention-new-device = A new device signed in. Was it you?
attention-wrong-codes = Somebody entered wrong codes
attention-stale-phone = Is the number still yours?
attention-stale-phone-note = You last confirmed it { $ago }
attention-data-declined = Your data was not accepted
attention-data-declined-note = See the reason and send it again
keys-title = Keys to your account
keys-enough = Lose one key and the other lets you in.
keys-single = There is only one key. If you lose it, coming back will be harder.
keys-to-security = Security
devices-count = { $count ->
    [one] { $count } device
   *[other] { $count } devices
}
events-title = Latest events
events-all = All
events-empty-title = No events yet
events-empty-text = Sign-ins and important changes will be here.
