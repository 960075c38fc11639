import { UNSCANNED_MIN_KNOCKS, scannable } from '../config/scannable.ts'
import type { Scannable } from '../config/scannable.ts'
import type { Door, Knock } from '../config/config.ts'
import { codeOf, fixedKnocks, writtenKnocks } from '../config/secret.ts'
import type { Entry } from '../text/directive.ts'
import { knockColumn } from './placed-door.ts'
import type { PlacedDoor } from './placed-door.ts'
import type { Facts } from './facts.ts'
import type { FaultList } from '../text/fault.ts'
import { isOrdinary } from '../config/flags.ts'
import { nmapPlace } from '../config/nmap-ports.ts'
import { isPublished } from './published.ts'
import { ICMP, TCP } from '../packet/packet.ts'
import { keyOf } from '../gate/knock-key.ts'
import { warnOfSizes } from './size.ts'

/** Shortest time of a knock by telnet or nc, in milliseconds. Both wait at least a second. */
const BY_HAND_MS = 1_000

/** Warns of knocks that no ordinary client sends, or cannot send in the given time. */
export function warnOfKnocks({ door, entries }: PlacedDoor, faults: FaultList): void {
  const knocks = writtenKnocks(door.secret)
  const { tcpFlags, seqTimeout } = entries
  const byTcp = knocks.length === 0 || knocks.some(({ protocol }) => protocol === TCP)
  if (tcpFlags !== undefined && door.tcpFlags !== undefined && byTcp && !isOrdinary(door.tcpFlags)) {
    const message = 'no ordinary client sends such packets: knock, telnet, nc and ssh begin with SYN alone'
    const hint = 'write `syn`, or take it out, unless you knock by a tool that makes packets'
    faults.warning(tcpFlags.line, tcpFlags.valueColumn, message, hint)
  }
  const shortest = (knocks.length - 1) * BY_HAND_MS
  if (seqTimeout === undefined || shortest <= 0 || !byTcp || door.seqTimeoutMs > shortest) return
  const message = `only a knock client sends ${knocks.length} knocks in this time: telnet and nc wait a second or more at each`
  const hint = `write \`${Math.ceil((2 * knocks.length * BY_HAND_MS) / 1_000)}s\` or more, if anyone knocks by hand or from a bad network`
  faults.warning(seqTimeout.line, seqTimeout.valueColumn, message, hint)
}

/** Warns of a sequence that others find by chance. The messages name no port, as they may end up in a log. */
export function warnOfSequence({ door, entries }: PlacedDoor, facts: Facts | undefined, faults: FaultList): void {
  const knocks = writtenKnocks(door.secret)
  if (knocks.length === 0 || entries.sequence === undefined) return
  const { line, valueColumn } = entries.sequence
  // A sequence in front of a code opens nothing by itself, however short it is.
  const why = codeOf(door.secret) === undefined ? scannable(knocks) : undefined
  if (isPublished(knocks)) {
    const message = 'this sequence is published in manuals or guides: it is the first one to be tried'
    faults.warning(line, valueColumn, message, 'choose ports of your own, at random')
  } else if (why !== undefined) {
    warnOfScan(why, door, entries.sequence, faults)
  } else if (isAscending(knocks)) {
    const [what, one] = knocks[0]!.protocol === ICMP ? ['sizes', 'size'] : ['ports', 'port']
    const message = `the ${what} are in ascending order, as a scan goes through them`
    faults.warning(line, valueColumn, message, `put a lower ${one} after a higher one`)
  }
  warnOfSizes(knocks, entries.sequence, faults)
  warnOfNmap(knocks, { line, valueColumn }, faults)
  // The knocks for a door with a target go to another host.
  if (facts === undefined || entries.target !== undefined) return
  for (const [index, { protocol, port }] of knocks.entries()) {
    if (protocol === ICMP || !facts.listens(protocol, port)) continue
    const message = `knock ${index + 1}: a program listens on this port, so its visitors knock too`
    faults.warning(line, knockColumn(entries.sequence, index), message, 'choose a port on which nothing listens')
  }
}

function isAscending(knocks: readonly Knock[]): boolean {
  const numbers = knocks.map(({ port, size }) => port || (size ?? 0))
  const alike = knocks.every(({ protocol }) => (protocol === ICMP) === (knocks[0]!.protocol === ICMP))
  return alike && knocks.length > 1 && numbers.every((number, index) => index === 0 || number > numbers[index - 1]!)
}

/** The messages on sequences that a port scan could open, by reason. */
const SCANNED: Readonly<Record<Scannable, string>> = {
  pings: 'ping sends each of these sizes by itself: anyone who pings this host could open it in passing',
  few: 'two knocks are few: a port scan could open it in passing',
  near: 'the ports are so near each other that a port scan could open it in passing',
  listed: "a scan of nmap's default ports in order could open it in passing",
  first: 'nmap scans nearly all of its ports first, so a scan could open it in passing',
}

/** Warns of a sequence that a scan could open. Its door ignores scanners, and a forged scan can block any address. */
function warnOfScan(why: Scannable, { opens, secret }: Door, { line, valueColumn }: Entry, faults: FaultList): void {
  const [first, ...more] = fixedKnocks(secret)
  // The check of commands already warned of a single knock.
  if (more.length === 0 && opens.length === 0) return
  const pings = [first!, ...more].some(({ protocol }) => protocol === ICMP)
  let message = SCANNED[why]
  if (pings) {
    message = message
      .replace('a port scan', 'a scan of ports and sizes')
      .replace('ports are', 'ports, or the sizes of its pings, are')
  }
  if (more.length === 0) {
    message = pings
      ? 'one ping opens these ports: anyone who pings with that size does it'
      : 'one knock opens these ports: any scan of that port does it'
  } else if (more.every((knock) => keyOf(knock) === keyOf(first!))) {
    message = pings
      ? 'every knock is the same ping: anyone who pings with that size again and again opens it'
      : 'every knock is at the same port: anyone who tries one port again and again opens it'
  }
  const hint = `the door ignores scanners, so a forged scan can make it ignore you: choose ${UNSCANNED_MIN_KNOCKS} ports or more, at random`
  faults.warning(line, valueColumn, message, hint)
}

/** Warns of ports that nmap scans by default. One scan in 1,700 hits three such ports in the right order. */
function warnOfNmap(knocks: readonly Knock[], at: { line: number; valueColumn: number }, faults: FaultList): void {
  const listed = knocks.filter(({ protocol, port }) => protocol === TCP && nmapPlace(port) !== undefined).length
  if (listed === 0) return
  const message = `${listed} of ${knocks.length} knocks ${listed === 1 ? 'is' : 'are'} among the thousand ports that nmap scans by default`
  faults.warning(at.line, at.valueColumn, message, 'choose ports at random: `shuf -i 1024-65535 -n 4 | paste -sd,`')
}
