// A Russian number is set in groups as it is typed: +7 912 345-67-89. Other
// countries' numbers, corrections in the middle and what is no number at all
// stay as typed; the server reads any of them.

const field = document.querySelector('input[type="tel"]');

function grouped(typed) {
  if (!/^[+\d\s().-]*$/.test(typed)) return typed;
  let digits = typed.replace(/\D/g, '');
  const abroad = typed.trimStart().startsWith('+');
  if (!abroad && digits.startsWith('8')) digits = `7${digits.slice(1)}`;
  else if (!abroad && digits.startsWith('9')) digits = `7${digits}`;
  if (!digits.startsWith('7') || digits.length > 11) return typed;
  const [, code, first, second, third] = /^7(\d{0,3})(\d{0,3})(\d{0,2})(\d{0,2})$/.exec(digits);
  return `+7${code && ` ${code}`}${first && ` ${first}`}${second && `-${second}`}${third && `-${third}`}`;
}

field?.addEventListener('input', (event) => {
  const atEnd = field.selectionStart === field.value.length;
  if (atEnd && !event.inputType?.startsWith('delete')) field.value = grouped(field.value);
});
