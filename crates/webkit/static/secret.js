// Fields of secrets: a button that shows what is typed, and how strong a new
// password looks. The server judges; this only says it early.

for (const field of document.querySelectorAll('input[data-show]')) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button quiet small';
  button.setAttribute('aria-controls', field.id);
  const say = (shown) => {
    field.type = shown ? 'text' : 'password';
    button.textContent = shown ? field.dataset.hide : field.dataset.show;
    button.setAttribute('aria-pressed', String(shown));
  };
  button.addEventListener('click', () => {
    say(field.type === 'password');
    field.focus();
  });
  // What is sent is sent as a secret, so that no history of the form keeps it.
  field.form?.addEventListener('submit', () => say(false));
  say(false);
  field.after(button);
}

const line = document.querySelector('[data-strength]');
const field = line?.closest('form').querySelector('input[type="password"]');
const runs = ['abcdefghijklmnopqrstuvwxyz', '0123456789', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm',
  'абвгдеёжзийклмнопрстуфхцчшщъыьэюя', 'йцукенгшщзхъ', 'фывапролджэ', 'ячсмитьбю'];

// Bits, roughly: a character that goes on a run or repeats what stands close by is worth little.
function bits(text) {
  const chars = [...text.toLowerCase()];
  let sum = 0;
  chars.forEach((char, at) => {
    const pair = at > 0 ? chars[at - 1] + char : '';
    const turned = at > 0 ? char + chars[at - 1] : '';
    const isRun = pair && runs.some((run) => run.includes(pair) || run.includes(turned));
    const isRepeat = chars.slice(Math.max(0, at - 10), at).join('').includes(pair || ' ') && pair;
    sum += isRun || isRepeat || pair && pair[0] === pair[1] ? 1 : /\d/.test(char) ? 3.3 : /\s/.test(char) ? 1 : /[\p{L}]/u.test(char) ? 3.5 : 5;
  });
  return sum;
}

field?.addEventListener('input', () => {
  const count = [...field.value].length;
  const worth = bits(field.value);
  const word = count < 12 ? 'short' : worth < 40 ? 'weak' : worth < 56 ? 'fair' : worth < 80 ? 'good' : 'excellent';
  line.textContent = count ? line.dataset[word] : '';
});
