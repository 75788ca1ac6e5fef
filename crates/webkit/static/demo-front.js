// The demo's front page: a sample customer's number goes into the cabinet's
// field, and a moved clock shows in the cabinet too. Without this script, and
// on a narrow screen, the same button asks for the code at once.

const cabinet = document.querySelector('.pane-cabinet');
const phone = document.querySelector('.pane-phone');
const wide = () => cabinet.offsetParent !== null;

const loaded = () => new Promise((done) => cabinet.addEventListener('load', done, { once: true }));

async function open(path) {
  const there = loaded();
  cabinet.contentWindow.location = path;
  await there;
}

async function fill(number) {
  await open('/sign-in');
  // Somebody is signed in: out first, as a person would.
  const out = cabinet.contentDocument.querySelector('main') && !cabinet.contentDocument.getElementById('phone');
  if (out) {
    await open('/profile/security');
    const gone = loaded();
    cabinet.contentDocument.querySelector('form[action="/sign-out"]')?.requestSubmit();
    await gone;
    await open('/sign-in');
  }
  const field = cabinet.contentDocument.getElementById('phone');
  if (!field) return;
  field.value = number;
  field.form.querySelector('button[type=submit]').focus();
}

for (const form of document.querySelectorAll('[data-customer]')) {
  form.addEventListener('submit', (event) => {
    if (!wide()) return;
    event.preventDefault();
    fill(form.elements.phone.value);
  });
}

// A wait that is over must not be shown as going on.
let ahead;
phone.addEventListener('load', () => {
  const now = phone.contentDocument?.querySelector('[data-ahead]')?.dataset.ahead;
  if (ahead !== undefined && now !== ahead) cabinet.contentWindow.location.replace(cabinet.contentWindow.location.pathname);
  ahead = now;
});
