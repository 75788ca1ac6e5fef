// A message centre for tests: npm `smpp` behind a few commands on stdin.
//
// Prints one JSON object per line: {"event":"listening","port":…}, "bind",
// "refused", "part", "message" (parts put together again), "receipt_answer",
// "unbind", "closed". Takes one JSON object per line:
//   {"do":"throttle","times":1}          answer ESME_RTHROTTLED so often
//   {"do":"silent","times":1}            do not answer so many messages
//   {"do":"status","status":11,"times":1} answer with this status
//   {"do":"drop"}                        cut every connection
//   {"do":"receipt","id":"…","stat":"DELIVRD","tlv":true}
'use strict';
const smpp = require(require('node:path').join(process.env.NODE_MODULES, 'smpp'));
const readline = require('node:readline');

const say = (event, rest = {}) => process.stdout.write(JSON.stringify({ event, ...rest }) + '\n');
const plan = []; // what to answer next: {kind, status}
const halves = new Map(); // reference -> parts
const sessions = new Set();
let next = 1;

function take(pdu) {
  const raw = pdu.message_payload ?? pdu.short_message;
  const text = String(raw.message); // decoded by data_coding
  const udh = raw.udh && raw.udh[0] ? Buffer.from(raw.udh[0]) : null;
  const about = {
    to: pdu.destination_addr,
    from: pdu.source_addr,
    source_ton: pdu.source_addr_ton,
    coding: pdu.data_coding,
    esm_class: pdu.esm_class,
    registered: pdu.registered_delivery,
    validity: pdu.validity_period ? String(pdu.validity_period) : '',
    payload: Boolean(pdu.message_payload),
  };
  if (!udh) return say('message', { ...about, parts: 1, text });
  // Information element 0: reference, total, number.
  const [reference, total, number] = [udh[2], udh[3], udh[4]];
  say('part', { ...about, number, total });
  const parts = halves.get(reference) ?? [];
  parts[number] = text;
  halves.set(reference, parts);
  if (Object.keys(parts).length === total) {
    halves.delete(reference);
    say('message', { ...about, parts: total, text: parts.slice(1).join('') });
  }
}

const server = smpp.createServer({ rejectUnauthorized: false, ...(process.env.TLS_KEY ? {
  key: require('node:fs').readFileSync(process.env.TLS_KEY),
  cert: require('node:fs').readFileSync(process.env.TLS_CERT),
} : {}) }, (session) => {
  sessions.add(session);
  session.on('error', () => {});
  session.on('close', () => { sessions.delete(session); say('closed'); });
  session.on('bind_transceiver', (pdu) => {
    if (pdu.system_id !== 'kabinet' || pdu.password !== 'secret') {
      say('refused', { system_id: pdu.system_id });
      session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
      session.close();
      return;
    }
    say('bind', { version: pdu.interface_version });
    session.bound = true;
    session.send(pdu.response({ system_id: 'centre' }));
  });
  session.on('enquire_link', (pdu) => { say('alive'); session.send(pdu.response()); });
  session.on('unbind', (pdu) => { say('unbind'); session.send(pdu.response()); session.close(); });
  session.on('submit_sm', (pdu) => {
    const step = plan.shift();
    if (step?.kind === 'silent') return take(pdu);
    if (step) return session.send(pdu.response({ command_status: step.status }));
    take(pdu);
    session.send(pdu.response({ message_id: `m${next++}` }));
  });
});
server.listen(0, '127.0.0.1', () => say('listening', { port: server.address().port }));

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line);
  const repeat = (step) => { for (let i = 0; i < (order.times ?? 1); i += 1) plan.push(step); };
  if (order.do === 'throttle') repeat({ status: smpp.ESME_RTHROTTLED });
  if (order.do === 'status') repeat({ status: order.status });
  if (order.do === 'silent') repeat({ kind: 'silent' });
  if (order.do === 'drop') for (const session of sessions) session.socket.destroy();
  if (order.do === 'receipt') {
    for (const session of sessions) {
      if (!session.bound) continue;
      session.deliver_sm({
        source_addr: '79001234567', destination_addr: 'KABINET', esm_class: 4,
        short_message: `id:${order.id} sub:001 dlvrd:001 submit date:2611220418 done date:2611220419 stat:${order.stat} err:000 text:`,
        ...(order.tlv ? { receipted_message_id: order.id, message_state: 2 } : {}),
      }, (answer) => say('receipt_answer', { status: answer.command_status }));
    }
  }
}).on('close', () => process.exit(0)); // the test is gone
