// The code field: paste of a whole message, the phone's own autofill (WebOTP).
// Nothing is sent by itself: the person presses the button.

const form = document.querySelector('form[data-code]');
const field = form?.querySelector('input[name="code"]');

if (field) {
  const digits = Number(form.dataset.code);
  const exactly = new RegExp(`(?<!\\d)\\d{${digits}}(?!\\d)`);

  // «Ваш код 123 456», «123-456» → 123456. What holds no code stays as it is.
  const normal = (text) => {
    const joined = text.replace(/(\d)[\s\u00a0-]+(?=\d)/g, '$1');
    return joined.match(exactly)?.[0] ?? text.trim();
  };

  field.addEventListener('paste', (event) => {
    const text = event.clipboardData?.getData('text');
    if (!text) return;
    event.preventDefault();
    field.value = normal(text).slice(0, 64);
    field.dispatchEvent(new Event('input', { bubbles: true }));
  });

  if ('OTPCredential' in window) {
    const stop = new AbortController();
    form.addEventListener('submit', () => stop.abort());
    navigator.credentials
      .get({ otp: { transport: ['sms'] }, signal: stop.signal })
      .then((otp) => {
        if (otp && !field.value) field.value = otp.code;
      })
      .catch(() => {});
  }
}
