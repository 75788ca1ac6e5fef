// Every page: the service worker, focus on what is wrong, forms sent once.

// Focus the error summary, as a screen reader expects after a reload with 422.
const wrong = document.querySelector('[data-focus]');
if (wrong) {
  wrong.focus();
  // A link of the summary puts the cursor into its field, not only the view.
  wrong.addEventListener('click', (event) => {
    const link = event.target.closest('a[href^="#"]');
    const field = link && document.getElementById(link.hash.slice(1));
    if (field) {
      event.preventDefault();
      field.focus();
    }
  });
}

// A second click while the first is on its way is dropped. The guard opens
// again by itself, and when the page comes back from the history cache, so a
// submit is never lost: the server tells repeats apart by their key anyway.
const busyFor = 8000;
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!form.matches('[data-once]') || event.defaultPrevented) return;
  if (form.dataset.busy) {
    event.preventDefault();
    return;
  }
  form.dataset.busy = '1';
  event.submitter?.setAttribute('aria-disabled', 'true');
  setTimeout(() => open(form), busyFor);
});

function open(form) {
  delete form.dataset.busy;
  for (const button of form.querySelectorAll('[aria-disabled]')) button.removeAttribute('aria-disabled');
}

addEventListener('pageshow', (event) => {
  if (event.persisted) document.querySelectorAll('form[data-busy]').forEach(open);
});

// The policy of trusted types lets one script address through, no other.
if ('serviceWorker' in navigator && isSecureContext) {
  const worker = '/sw.js';
  const policy = globalThis.trustedTypes?.createPolicy('kabinet', {
    createScriptURL: (url) => (url === worker ? url : ''),
  });
  navigator.serviceWorker.register(policy?.createScriptURL(worker) ?? worker).catch(() => {});
}
