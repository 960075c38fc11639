import { hasCommands } from '../../config/door-commands.ts'
import type { Door, Service } from '../../config/config.ts'
import type { Fault } from '../../text/fault.ts'
import { formatService, hasPort } from '../../config/service.ts'
import { forwardsOf } from '../../firewall/guard/plan.ts'
import { parseAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { isLoopback, isUnspecified } from '../../packet/scope.ts'
import { TCP } from '../../packet/packet.ts'
import { formatPort } from './request.ts'
import type { Port } from './request.ts'
import type { Stanza } from './stanza.ts'

/** The rights of a holder of a stanza's keys at a door, in words. An empty list means no such right. */
export interface Allowed {
  /** The ports that a packet can open. `any port` means that a command of the door or of a cycle gets any port. */
  readonly opens: readonly string[]
  /** The services to which connections to these ports can be forwarded. */
  readonly sentOn: readonly string[]
  /** The commands that can be run. */
  readonly runs: readonly string[]
}

/** Returns true if an address belongs to this machine. */
type IsOwn = (address: Address) => boolean

/** Returns the rights that a door and one of its stanzas give together. */
export function allowedBy(door: Door, stanza: Stanza, isOwn: IsOwn): Allowed {
  const { cycle, commands } = stanza
  const opens = portsOf(door, stanza)
  const command = cycle === undefined ? (hasCommands(door) ? ['Start_Command'] : []) : ['CMD_CYCLE_OPEN']
  const as = commands?.user ?? (commands?.group === undefined ? 'the user of the daemon' : 'root')
  return {
    opens,
    sentOn: cycle === undefined && opens.length > 0 ? targetsOf(door, stanza, isOwn) : [],
    runs: [...(opens.length === 0 ? [] : command), ...(commands === undefined ? [] : [`any command as ${as}`])],
  }
}

/** Returns the rights as one line of text. */
export function allowedText({ opens, sentOn, runs }: Allowed): string {
  return `opens ${wordsOf(opens)}; forwards to ${wordsOf(sentOn)}; runs ${wordsOf(runs)}`
}

function wordsOf(words: readonly string[]): string {
  return words.length === 0 ? 'nothing' : words.join(', ')
}

/** Reports the parts of a stanza that have no effect at a door. */
export function faultsAtDoor(door: Door, stanza: Stanza, isOwn: IsOwn): readonly Fault[] {
  const faults: Fault[] = []
  const at = { severity: 'warning', ...fileOf(stanza), column: 1 } as const
  if (portsOf(door, stanza).length === 0) {
    const message = `this stanza opens nothing at door ${door.name}: none of its ports is in Open_Ports`
    faults.push({ ...at, line: stanza.line, message, hint: 'add them to Open_Ports, or to OPEN_PORTS' })
  }
  const { forceNat, cycle } = stanza
  if (forceNat !== undefined && cycle !== undefined) {
    const message = 'FORCE_NAT has no effect beside CMD_CYCLE_OPEN'
    faults.push({ ...at, line: forceNat.line, message, hint: 'delete the line' })
  }
  if (forceNat !== undefined && cycle === undefined && targetsOf(door, stanza, isOwn).length === 0) {
    const message = `door ${door.name} does not forward to the target of FORCE_NAT: packets of this stanza are refused`
    const wanted = formatService(serviceOf(forceNat, isOwn, TCP))
    faults.push({
      ...at,
      line: forceNat.line,
      message,
      hint: `add \`Forward_To = ${wanted}\` to the door, if you mean it`,
    })
  }
  return faults
}

/** Reports FORCE_NAT at a door without Forward_To. It was enough before doors needed Forward_To. */
export function forcedInVain(stanza: Stanza): readonly Fault[] {
  const { forceNat } = stanza
  if (forceNat === undefined) return []
  const message = 'FORCE_NAT is refused: the door does not have Forward_To'
  return [
    {
      severity: 'warning',
      ...fileOf(stanza),
      line: forceNat.line,
      column: 1,
      message,
      hint: 'postern check shows what to add',
    },
  ]
}

function fileOf({ file }: Stanza): Pick<Fault, 'file'> {
  return file === undefined ? {} : { file }
}

function portsOf({ opens }: Door, { openPorts, restrictPorts }: Stanza): readonly string[] {
  const own = opens.filter(({ host }) => host === undefined)
  const but = restrictPorts.filter((port) => own.length === 0 || hasPort(own, port)).map(formatPort)
  const all = own.length === 0 ? ['any port'] : own.map(formatService)
  const except = but.length === 0 ? [] : [`but not ${but.join(', ')}`]
  if (openPorts === undefined) return [...all, ...except]
  return openPorts
    .filter((port) => allows({ restrictPorts }, port) && (own.length === 0 || hasPort(own, port)))
    .map(formatPort)
}

function targetsOf(door: Door, stanza: Stanza, isOwn: IsOwn): readonly string[] {
  const targets = forwardsOf(door)
  const { forceNat, openPorts, restrictPorts } = stanza
  if (forceNat !== undefined) {
    return targets
      .map((service) => serviceOf(forceNat, isOwn, service.protocol))
      .filter((wanted) => hasPort(targets, { protocol: wanted.protocol, port: wanted.first }, wanted.host))
      .map(formatService)
      .filter((text, index, all) => all.indexOf(text) === index)
  }
  return targets.flatMap((service) => {
    const inside = (port: Port): boolean => hasPort([{ ...service, host: undefined }], port)
    const but = restrictPorts.filter(inside).map(formatPort)
    if (openPorts === undefined)
      return [`${formatService(service)}${but.length === 0 ? '' : ` but not ${but.join(', ')}`}`]
    return openPorts
      .filter((port) => inside(port) && allows({ restrictPorts }, port))
      .map(({ port }) => formatService({ ...service, first: port, last: port }))
  })
}

function allows({ restrictPorts }: Pick<Stanza, 'restrictPorts'>, { protocol, port }: Port): boolean {
  return !restrictPorts.some((one) => one.protocol === protocol && one.port === port)
}

/** Returns the target of FORCE_NAT in the form of Forward_To. */
function serviceOf(
  { host, port }: NonNullable<Stanza['forceNat']>,
  isOwn: IsOwn,
  protocol: Service['protocol'],
): Service {
  const address = parseAddress(host)
  const own = address === undefined || isLoopback(address) || isUnspecified(address) || isOwn(address)
  return { protocol, first: port, last: port, host: own ? undefined : address }
}
