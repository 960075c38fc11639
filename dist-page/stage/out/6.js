'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.KNOCK_MS = void 0
exports.whyNot = whyNot
exports.knock = knock
const packet_js_1 = require('../../../packet/packet.js')
const blocked_ports_js_1 = require('./blocked-ports.js')
const fault_js_1 = require('./fault.js')
exports.KNOCK_MS = 300
function whyNot(sequence) {
  if (sequence.some(({ protocol }) => protocol !== packet_js_1.TCP)) {
    return 'This sequence has UDP in it, which browsers do not send. Knock by hand.'
  }
  const blocked = sequence.find(({ port }) => (0, blocked_ports_js_1.isBlocked)(port))
  return blocked === undefined
    ? undefined
    : `Browsers refuse to open port ${blocked.port}, whatever a page asks. Knock by hand.`
}
async function knock(urlHost, sequence, onKnock) {
  if (!navigator.onLine) throw new fault_js_1.Fault('This device is offline.', 'Nothing was sent.')
  const refused = []
  const note = (event) => void refused.push(event.effectiveDirective)
  document.addEventListener('securitypolicyviolation', note)
  try {
    for (const [place, { port }] of sequence.entries()) {
      onKnock(place)
      await knockAt(urlHost, port)
      if (refused.length > 0) {
        throw new fault_js_1.Fault(
          'The browser refused to knock.',
          'It does not let this page reach that host. Knock by hand.',
        )
      }
    }
  } finally {
    document.removeEventListener('securitypolicyviolation', note)
  }
}
async function knockAt(urlHost, port) {
  const scheme = location.protocol === 'https:' ? 'https' : 'http'
  const signal = AbortSignal.timeout(exports.KNOCK_MS)
  const pause = new Promise((resolve) => {
    setTimeout(resolve, exports.KNOCK_MS)
  })
  try {
    await fetch(`${scheme}://${urlHost}:${port}/`, {
      mode: 'no-cors',
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal,
    })
  } catch {}
  await pause
}
