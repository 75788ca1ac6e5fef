// Passkeys: a form with `data-passkey` is filled by the browser's own dialog. `data-begin` answers what to
// ask it. With `data-auto` the browser also offers keys in the autofill of the page. A dialog that fails
// says so; nothing weaker is tried instead.

const able = isSecureContext && typeof PublicKeyCredential === 'function' && 'credentials' in navigator;
const renewEvery = 270_000; // A challenge lives five minutes.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const keys = (list) => list.map((key) => ({ ...key, id: bytes(key.id) }));

async function begin(form) {
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.dataset.begin, { method: 'POST', body, headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

function ask(options, signal, mediation) {
  const publicKey = { ...options, challenge: bytes(options.challenge) };
  if (options.user) {
    publicKey.user = { ...options.user, id: bytes(options.user.id) };
    publicKey.excludeCredentials = keys(options.excludeCredentials);
    return navigator.credentials.create({ publicKey, signal });
  }
  publicKey.allowCredentials = keys(options.allowCredentials);
  return navigator.credentials.get({ publicKey, signal, mediation });
}

function plain(key) {
  const { id, type, response } = key;
  const { clientDataJSON, attestationObject, authenticatorData, signature, userHandle } = response;
  const said = attestationObject
    ? { attestationObject: text(attestationObject), transports: response.getTransports?.() ?? [] }
    : {
      authenticatorData: text(authenticatorData),
      signature: text(signature),
      userHandle: userHandle ? text(userHandle) : null,
    };
  return {
    id, rawId: id, type, clientExtensionResults: key.getClientExtensionResults(),
    response: { clientDataJSON: text(clientDataJSON), ...said },
  };
}

let running;

async function run(form, mediation) {
  running?.abort();
  const control = running = new AbortController();
  control.quiet = Boolean(mediation);
  const failed = form.querySelector('[data-passkey-failed]');
  failed.hidden = true;
  try {
    const { ceremony, options } = await begin(form);
    const key = await ask(options, control.signal, mediation);
    if (control.signal.aborted) return;
    form.elements.ceremony.value = ceremony;
    form.elements.answer.value = JSON.stringify(plain(key));
    sessionStorage.setItem('passkey', key.id);
    form.submit();
  } catch (error) {
    if (control.signal.aborted || mediation) return;
    failed.hidden = false;
    running = undefined;
    offer(form);
  }
}

async function offer(form) {
  if (!('auto' in form.dataset) || !await PublicKeyCredential.isConditionalMediationAvailable?.()) return;
  run(form, 'conditional');
}

for (const note of document.querySelectorAll('[data-passkey-unable]')) note.hidden = able;
for (const form of able ? document.querySelectorAll('form[data-passkey]') : []) {
  form.hidden = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    run(form);
  });
  offer(form);
  if ('auto' in form.dataset) {
    setInterval(() => document.hidden || running?.quiet === false || offer(form), renewEvery);
    addEventListener('pageshow', (event) => event.persisted && offer(form));
  }
}

// Authenticators forget what we no longer take, where the browser can tell them.
const signal = (name, what) => able && PublicKeyCredential[name]?.(what).catch(() => {});
const accepted = document.querySelector('[data-accepted]');
if (accepted) signal('signalAllAcceptedCredentials', JSON.parse(accepted.dataset.accepted));
const forget = document.querySelector('[data-forget]');
const shown = sessionStorage.getItem('passkey');
if (forget && shown) signal('signalUnknownCredential', { rpId: forget.dataset.forget, credentialId: shown });
