import { formatKnock } from '../../../config/sequence.js'
import { TCP, UDP } from '../../../packet/packet.js'
/** Seconds a knock by nc or telnet may take: without an answer they would wait for minutes. */
const WAIT_S = 1
/** How to send a sequence from a command line; `host` is written as it is. telnet has no UDP. */
export function commandsFor(host, sequence) {
  const commands = [
    { program: 'knock', text: `knock ${host} ${sequence.map(formatKnock).join(' ')}` },
    { program: 'nc', text: sequence.map((knock) => netcat(host, knock)).join('; ') },
  ]
  if (sequence.every(({ protocol }) => protocol === TCP)) {
    // telnet ends by itself only where a port refuses.
    const text = sequence.map(({ port }) => `timeout ${WAIT_S} telnet ${host} ${port}`).join('; ')
    commands.push({ program: 'telnet', text })
  }
  return commands
}
function netcat(host, { port, protocol }) {
  // -z sends several datagrams, which would be as many knocks.
  return protocol === UDP ? `echo | nc -u -w ${WAIT_S} ${host} ${port}` : `nc -z -w ${WAIT_S} ${host} ${port}`
}
