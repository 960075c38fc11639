import type { Config, Door, Fault, FlagTest, Knock, Service } from '../../config/config.ts'
import type { Widths } from '../../config/config.ts'
import { formatService } from '../../config/service.ts'
import type { Network } from '../../packet/network.ts'
import { mergeServices } from '../guard/merge.ts'
import type { Dialect } from './dialect.ts'
import { refuseDoor, refuseOptions } from './refusal.ts'

/** Most doors: the kernel walks the rules of all of them for each first packet of a connection. */
export const KERNEL_DOORS_MAX = 64
/** Most characters of a door's name that names of chains have: iptables takes 28 in all (`<linux/netfilter/x_tables.h>`). */
const SLUG_MAX_CHARS = 12

/** A door as the kernel does it: a fixed sequence, and ports of this host. */
export interface KernelDoor {
  readonly name: string
  /** What chains and sets call it: letters, digits and `_`, at most 12, no two alike. */
  readonly slug: string
  readonly knocks: readonly Knock[]
  /** `undefined`: {@link KernelPlan.flagged} is false, or packets as connections begin. */
  readonly tcpFlags: FlagTest | undefined
  readonly seqTimeoutMs: number
  readonly openForMs: number
  readonly ports: readonly Service[]
  /** Empty: everybody's knocks count. */
  readonly allowFrom: readonly Network[]
  readonly widen: Widths
}

/** All that a ruleset is made from. */
export interface KernelPlan {
  /** The config's name, for the comment on top. */
  readonly file: string
  readonly doors: readonly KernelDoor[]
  /** Hidden ports that `alwaysAllow` reaches: those of the doors and those that `Guard` names. */
  readonly guarded: readonly Service[]
  /** Ports that are open to everybody. */
  readonly allowed: readonly Service[]
  readonly alwaysAllow: readonly Network[]
  /** Where knocks count; empty: everywhere. */
  readonly interfaces: readonly string[]
  /** Distinct wrong ports that make a source a scanner; 0: there is no scan guard. */
  readonly scanPorts: number
  readonly scanIgnoreMs: number
  /** Whether closed ports say nothing at all. */
  readonly drops: boolean
  /** Whether a door asks for flags of its own, so that each knock has to be tested for them. */
  readonly flagged: boolean
}

/** What the operator chose beside the config. */
export interface Choice {
  readonly dialect: Dialect
  /** Names of the doors to do; empty: all. Each must be in the config. */
  readonly doors: readonly string[]
  readonly allowed: readonly Service[]
}

/** A plan, and what would be left out: with an error among the faults there is no plan. */
export interface Planning {
  readonly plan: KernelPlan | undefined
  readonly faults: readonly Fault[]
}

/** Makes a plan of the config; nothing that the kernel cannot do is passed over. */
export function planKernel({ file, options, doors: all }: Config, choice: Choice): Planning {
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

/** A port cannot be hidden and open to everybody. */
function refuseAllowed(doors: readonly Door[], guard: readonly Service[], allowed: readonly Service[]): Fault[] {
  const clash = (services: readonly Service[]): Service | undefined =>
    services.find((one) =>
      allowed.some(({ protocol, first, last }) => protocol === one.protocol && first <= one.last && one.first <= last),
    )
  const faults: Fault[] = []
  for (const { line, opens } of [{ line: 1, opens: guard }, ...doors]) {
    const service = clash(opens)
    if (service === undefined) continue
    const message = `${formatService(service)} is to be hidden, but --allow leaves it open to everybody`
    faults.push({ severity: 'error', line, column: 1, message, hint: 'take it out of --allow' })
  }
  return faults
}

function named(doors: readonly Door[]): readonly KernelDoor[] {
  const slugs = new Set<string>()
  return doors.map((door) => {
    const { name, secret, tcpFlags, seqTimeoutMs, cmdTimeoutMs, opens, allowFrom, widen } = door
    const slug = slugOf(name, slugs)
    slugs.add(slug)
    const knocks = secret.kind === 'sequence' ? secret.knocks : []
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
