# Texts that leave the building: SMS and letters. An SMS has room for 134 characters once one of them is not Latin.

## One-time codes
msg-purpose-sign-in = Signing in
msg-purpose-confirm-email = Confirming { $object }
msg-purpose-freeze = Freezing your account
msg-purpose-unfreeze = Lifting the freeze
msg-purpose-change-phone = New phone { $object }
msg-purpose-change-email = New e-mail
msg-purpose-new-phone = Number for your account
msg-purpose-new-email = E-mail for your account
msg-purpose-open-bank = Opening Money
msg-purpose-set-password = New password
msg-purpose-remove-password = Removing the password
msg-purpose-set-passcode = New passcode
msg-purpose-remove-passcode = Removing the passcode
msg-purpose-add-passkey = New passkey
msg-purpose-remove-passkey = Removing a passkey
msg-purpose-add-totp = Connecting an app
msg-purpose-remove-totp = Disconnecting the app
msg-purpose-issue-backup-codes = New backup codes
msg-purpose-ask-second-factor = Second factor on
msg-purpose-drop-second-factor = Second factor off
msg-purpose-set-code-word = Code word
msg-purpose-name-trusted = Trusted person { $object }
msg-purpose-remove-trusted = Removing a trusted person
msg-purpose-let-in = Letting in { $object }
msg-purpose-clear-doubt = Confirming your number
msg-purpose-add-email = New e-mail
msg-purpose-approve-money = Payment { $object }
msg-purpose-recovery = Getting back in
msg-purpose-confirm-number = Confirming your number
msg-code-sms =
    Code No. { $number }: { $code }
    { $purpose }. Tell it to nobody. Our staff never ask for it.
msg-code-subject = { $purpose }: code No. { $number }
msg-code-lead = Your code No. { $number }:
msg-code-lives = The code works for { $minutes ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    } and for one thing only: { $purpose }.
msg-code-secret = Tell it to nobody. Our staff never ask for it.
msg-code-not-you = If this was not you, do nothing: nothing happens without the code.
msg-confirm-subject = Confirm your e-mail: code No. { $number }
msg-confirm-lead = You added this address to your account. Press the button, or enter code No. { $number } on the page where you added it.
msg-confirm-button = Confirm e-mail

## A letter to an address that leads nowhere
msg-nobody-subject = There is no account of yours here
msg-nobody-lead = Somebody entered this address to sign in at { $host }, but no account has it.
msg-nobody-you = If it was you, sign in by phone number. You can add the address in your account.
msg-nobody-button = Sign in by phone
msg-nobody-not-you = If it was not you, just delete this letter: nothing has happened to your address.

## Security notices; the short form is for SMS and follows "Kabinet: "
msg-event-new-device = Sign-in from a new device
msg-short-new-device = new sign-in
msg-event-email-added = E-mail { $object } was added to your account
msg-short-email-added = e-mail { $object } added
msg-event-email-changed = Your e-mail was changed to { $object }
msg-short-email-changed = e-mail changed to { $object }
msg-event-email-removed = E-mail { $object } was removed from your account
msg-short-email-removed = e-mail { $object } removed
msg-event-phone-changed = Your phone was changed to { $object }
msg-short-phone-changed = phone changed to { $object }
msg-event-frozen = Your account is frozen: money cannot leave, other devices are signed out
msg-short-frozen = account frozen
msg-event-unfrozen = The freeze is lifted
msg-short-unfrozen = freeze lifted
msg-event-sessions-ended = Your sessions on other devices were ended
msg-short-sessions-ended = other sessions ended
msg-event-suspicious = Somebody is guessing the code to your account
msg-short-suspicious = somebody is guessing your code
msg-event-code-resting = Sign-in by code is paused: too many wrong codes
msg-short-code-resting = sign-in by code is paused
msg-event-profile-changed = Your profile was changed
msg-short-profile-changed = profile changed
msg-event-consent-changed = Your consents were changed
msg-short-consent-changed = consents changed
msg-event-secret-changed = Your password or way in was changed
msg-short-secret-changed = way in changed
msg-event-passkey-added = A passkey was added. For a day it does not approve money transfers
msg-short-passkey-added = passkey added
msg-event-passkey-removed = A passkey was removed
msg-short-passkey-removed = passkey removed
msg-event-passkey-suspected = There may be a copy of your passkey. It no longer works: remove it and add a new one
msg-short-passkey-suspected = your passkey may have a copy
msg-event-password-set = A new password was set
msg-short-password-set = new password set
msg-event-password-removed = Your password was removed
msg-short-password-removed = password removed
msg-event-passcode-set = A new passcode was set
msg-short-passcode-set = new passcode set
msg-event-passcode-removed = Your passcode was removed
msg-short-passcode-removed = passcode removed
msg-event-passcode-gone = Your passcode is off: five wrong tries
msg-short-passcode-gone = passcode is off
msg-event-key-added = Your passcode now works on one more device
msg-short-key-added = passcode on a new device
msg-event-code-word-set = A code word was set
msg-short-code-word-set = code word set
msg-event-code-word-closed = Your code word is closed: support was told a wrong one three times
msg-short-code-word-closed = code word closed
msg-event-totp-added = An authenticator app was connected
msg-short-totp-added = authenticator app connected
msg-event-totp-removed = The authenticator app was disconnected
msg-short-totp-removed = authenticator app disconnected
msg-event-backup-codes-issued = New backup codes were issued; the old ones no longer work
msg-short-backup-codes-issued = new backup codes
msg-event-backup-code-used = A backup code was used
msg-short-backup-code-used = backup code used
msg-event-backup-codes-void = Your backup codes no longer work: make new ones
msg-short-backup-codes-void = backup codes no longer work
msg-event-second-factor-on = Signing in now always asks for a second factor
msg-short-second-factor-on = second factor on
msg-event-second-factor-off = Signing in no longer asks for a second factor
msg-short-second-factor-off = second factor off
msg-event-let-in-refused = A computer asked to be let in by QR code: a wrong number was chosen, so it was refused
msg-short-let-in-refused = QR sign-in refused
msg-event-number-doubted = Your operator says that your number or SIM card has changed
msg-short-number-doubted = operator reports a SIM change
msg-event-number-cleared = Your number is confirmed: it opens the door again
msg-short-number-cleared = number confirmed
msg-event-trusted-named = A trusted person was named: they can freeze the account, never enter it
msg-short-trusted-named = trusted person named
msg-event-trusted-removed = A trusted person was removed
msg-short-trusted-removed = trusted person removed
msg-event-recovery-started = Somebody is recovering access to your account
msg-short-recovery-started = somebody is recovering access
msg-event-recovery-stopped = The recovery of access was stopped
msg-short-recovery-stopped = recovery of access stopped
msg-recovery-not-you = If not, stop it: press the button. There is no need to sign in.
msg-recovery-button = Stop the recovery
msg-event-phone-moving = Your phone will change to { $object }
msg-short-phone-moving = phone will change to { $object }
msg-event-email-moving = Your e-mail will change to { $object }
msg-short-email-moving = e-mail will change to { $object }
msg-event-move-stopped = The change of your phone or e-mail was cancelled: everything stays as it was
msg-short-move-stopped = the change was cancelled
msg-event-move-disputed = Somebody objected to the change of your phone or e-mail: it stands still
msg-short-move-disputed = the change stands still
msg-event-move-lapsed = The change did not happen: the new phone or e-mail leads to another account by now
msg-short-move-lapsed = the change did not happen
msg-event-phone-restored = The phone { $object } is back in your account, money is frozen
msg-short-phone-restored = phone { $object } is back
msg-event-email-restored = The e-mail { $object } is back in your account, money is frozen
msg-short-email-restored = e-mail { $object } is back
msg-notice-sms = { $brand }: { $event }. Not you? { $link }
msg-notice-when = When: { $moment }
msg-notice-device = Device: { $device }
msg-notice-place = Place: { $place }
msg-notice-you = If it was you, there is nothing to do.
msg-notice-not-you = If not, press the button: money stops leaving and other sessions end. You need not sign in for this.
msg-notice-button = This was not me

## Changes that can be taken back
msg-change-sms = { $brand }: { $event }. Not you? { $link }
msg-change-from-short = { $moment }
msg-change-from = Takes effect: { $moment }
msg-change-undo = If not, press the button: the former phone or e-mail comes back, other sessions end, money stops leaving. You need not sign in for this.
msg-change-undo-button = Put it back
msg-change-stop = If not, press the button: the change stops. You need not sign in for this.
msg-change-stop-button = Stop the change

## Trusted people
msg-trusted-named-sms = { $brand }: you are a trusted person. You can freeze a friend's account: { $link }
msg-trusted-removed-sms = { $brand }: you are no longer a trusted person.

## Marketing
msg-marketing-sms = { $brand }: { $title }. Unsubscribe: { $link }
msg-marketing-why = You got this letter because you agreed to our newsletter.
msg-marketing-button = Unsubscribe

## Common
msg-footer = { $brand } · { $host }
msg-moment = { $day } { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    }, { $time } { $zone }
