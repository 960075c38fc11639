import { fixedKnocks } from '../../config/secret.ts'
import type { Config, Door, FlagTest, Knock, Service, Widths } from '../../config/config.ts'
import type { Fault } from '../../text/fault.ts'
import { formatService } from '../../config/service.ts'
import type { Network } from '../../packet/network.ts'
import { mergeServices } from '../guard/merge.ts'
import type { Dialect } from './dialect.ts'
import { refuseDoor, refuseOptions } from './refusal.ts'

/** The maximum number of doors. The kernel walks the rules of all doors for each first packet of a connection. */
export const KERNEL_DOORS_MAX = 64
/**
 * The maximum number of characters from a door's name in a chain's name. The limit of iptables is 28 in all
 * (`<linux/netfilter/x_tables.h>`).
 */
const SLUG_MAX_CHARS = 12

/** A door for the kernel: a fixed sequence, and ports of this host. */
export interface KernelDoor {
  readonly name: string
  /** The door's unique name in chains and sets: letters, digits and `_`, at most 12 characters. */
  readonly slug: string
  readonly knocks: readonly Knock[]
  /** The flags of a knock; `undefined` if {@link KernelPlan.flagged} is false, or for first packets of connections. */
  readonly tcpFlags: FlagTest | undefined
  readonly seqTimeoutMs: number
  readonly openForMs: number
  readonly ports: readonly Service[]
  /** The networks whose knocks count; empty means all. */
  readonly allowFrom: readonly Network[]
  readonly widen: Widths
}

/** The contents of a ruleset. */
export interface KernelPlan {
  /** The name of the config, for the comment at the top. */
  readonly file: string
  readonly doors: readonly KernelDoor[]
  /** The hidden ports that `alwaysAllow` reaches: those of the doors, and those in `Guard`. */
  readonly guarded: readonly Service[]
  /** The ports that are open to everybody. */
  readonly allowed: readonly Service[]
  readonly alwaysAllow: readonly Network[]
  /** The interfaces on which knocks count; empty means all. */
  readonly interfaces: readonly string[]
  /** The number of distinct wrong ports that make a source a scanner; 0 turns the scan guard off. */
  readonly scanPorts: number
  readonly scanIgnoreMs: number
  /** True if closed ports do not answer. */
  readonly drops: boolean
  /** True if a door names its own flags. Each knock is then tested for flags. */
  readonly flagged: boolean
}

/** The operator's choices beside the config. */
export interface Choice {
  readonly dialect: Dialect
  /** The names of the doors to include; empty means all. Each door must be in the config. */
  readonly doors: readonly string[]
  readonly allowed: readonly Service[]
}

/** Makes a plan of the config. What the kernel cannot do is reported as a fault; after an error there is no plan. */
export function planKernel(
  { file, options, doors: all }: Config,
  choice: Choice,
): { readonly plan: KernelPlan | undefined; readonly faults: readonly Fault[] } {
  const chosen = choice.doors.length === 0 ? all : all.filter(({ name }) => choice.doors.includes(name))
  const faults = [
    ...chosen.flatMap((door) => refuseDoor(door, choice.dialect)),
    ...refuseOptions(options, choice.dialect),
    ...refuseNumber(chosen),
  ]
  const guarded = mergeServices([...options.guard, ...chosen.flatMap(({ opens }) => opens)])
  const allowed = mergeServices(choice.allowed)
  faults.push(...refuseAllowed(chosen, options.guard, allowed))
  if (faults.some(({ severity }) => severity === 'error')) return { plan: undefined, faults }
  const plan: KernelPlan = {
    file,
    doors: named(chosen),
    guarded,
    allowed,
    alwaysAllow: options.alwaysAllow,
    interfaces: options.interfaces.includes('any') ? [] : options.interfaces,
    scanPorts: options.scanPorts,
    scanIgnoreMs: options.scanIgnoreMs,
    drops: options.hideWith === 'drop',
    flagged: chosen.some(({ tcpFlags }) => tcpFlags !== undefined),
  }
  return { plan, faults }
}

function refuseNumber(doors: readonly Door[]): readonly Fault[] {
  const first = doors[KERNEL_DOORS_MAX]
  if (first === undefined) return []
  const message = `too many doors for the kernel: at most ${KERNEL_DOORS_MAX}`
  return [{ severity: 'error', line: first.line, column: 1, message, hint: 'choose some with --door NAME' }]
}

/** Reports ports that are both hidden and open to everybody. */
function refuseAllowed(doors: readonly Door[], guard: readonly Service[], allowed: readonly Service[]): Fault[] {
  const clash = (services: readonly Service[]): Service | undefined =>
    services.find((one) =>
      allowed.some(({ protocol, first, last }) => protocol === one.protocol && first <= one.last && one.first <= last),
    )
  const faults: Fault[] = []
  for (const { line, opens } of [{ line: 1, opens: guard }, ...doors]) {
    const service = clash(opens)
    if (service === undefined) continue
    const message = `${formatService(service)} must be hidden, but --allow opens it to everybody`
    faults.push({ severity: 'error', line, column: 1, message, hint: 'remove it from --allow' })
  }
  return faults
}

function named(doors: readonly Door[]): readonly KernelDoor[] {
  const slugs = new Set<string>()
  return doors.map((door) => {
    const { name, secret, tcpFlags, seqTimeoutMs, cmdTimeoutMs, opens, allowFrom, widen } = door
    const slug = slugOf(name, slugs)
    slugs.add(slug)
    const knocks = fixedKnocks(secret)
    const ports = mergeServices(opens)
    return { name, slug, knocks, tcpFlags, seqTimeoutMs, openForMs: cmdTimeoutMs, ports, allowFrom, widen }
  })
}

function slugOf(name: string, taken: ReadonlySet<string>): string {
  const plain = name.replaceAll(/[^A-Za-z0-9]+/g, '_').slice(0, SLUG_MAX_CHARS)
  let slug = plain
  for (let count = 2; taken.has(slug); count++)
    slug = `${plain.slice(0, SLUG_MAX_CHARS - 1 - String(count).length)}_${count}`
  return slug
}
