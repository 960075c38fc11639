import { OPENING_FLAGS } from '../../config/flags.ts'
import type { FlagTest, Knock, Service } from '../../config/config.ts'
import type { Family } from '../../packet/address.ts'
import { ADDRESS_BITS } from '../../packet/network.ts'
import type { Network } from '../../packet/network.ts'
import type { KernelDoor, KernelPlan } from './plan.ts'

/** A condition on the packet. A rule applies if all its conditions hold. */
export type Test =
  /** The list contains the source, and the entry has not expired. */
  | { readonly in: List }
  | { readonly knock: Knock; readonly flags: FlagTest | undefined }
  | { readonly service: Service }
  | { readonly from: Network }

/** The action of a rule. After `put` and `remove`, the next rule follows. */
export type Act =
  | { readonly put: List }
  | { readonly remove: List }
  | { readonly jump: string }
  /** Like `jump`, but the other chain returns to the caller of this one. */
  | { readonly goto: string }
  | 'return'

/** A rule, which applies if all its tests hold. */
export interface Rule {
  readonly tests: readonly Test[]
  readonly act: Act
}

/** A list of rules. At its end, the chain returns. */
export interface Chain {
  readonly name: string
  /** The purpose of the chain, in one line. */
  readonly about: string
  readonly rules: readonly Rule[]
}

/** A list of sources, each of which expires. */
export interface List {
  readonly name: string
  readonly timeoutMs: number
  /** The number of bits of the source that count. */
  readonly prefix: number
}

/** The knocking rules of one address family, for any dialect. */
export interface Knocking {
  /** The lists of the doors. Each dialect adds those of the scan guard. */
  readonly lists: readonly List[]
  readonly chains: readonly Chain[]
}

/**
 * Seconds without a wrong port after which a source's count of them restarts. The gate has the same time, but from the
 * first wrong port.
 */
export const SCAN_WINDOW_S = 60

/** The chains that dialects know: `knock` gets first packets, and `wrong` gets packets to wrong ports. */
export const KNOCK = 'knock'
export const WRONG = 'wrong'
const TURN = 'turn'

/** The lists of a door. A source is in one stage at most. */
interface DoorLists {
  readonly begun: List
  /** For each knock but the last, the sources that have made this knock and not the next. */
  readonly stages: readonly List[]
  readonly open: List
}

/** Returns the list of sources for which a door is open. */
export function openList({ slug, openForMs, widen }: KernelDoor, family: Family): List {
  return { name: `open_${slug}`, timeoutMs: openForMs, prefix: widen[family] }
}

/** Returns the list of ignored scanners. */
export function ignoredList({ scanIgnoreMs }: KernelPlan, family: Family): List {
  return { name: 'ignored', timeoutMs: scanIgnoreMs, prefix: ADDRESS_BITS[family] }
}

/** Returns the doors that accept knocks of an address family. */
export function doorsOf({ doors }: KernelPlan, family: Family): readonly KernelDoor[] {
  return doors.filter(
    ({ allowFrom }) => allowFrom.length === 0 || allowFrom.some(({ address }) => address.family === family),
  )
}

/**
 * Returns the rules that follow knocks. Each door has its own lists of sources.
 *
 * 1. `knock` inspects the packet and changes nothing. The next knock of a door, or the same knock again, goes to
 * `turn`. Open ports return, and all other packets go to `wrong`.
 * 2. In `turn`, each door moves the source to the next stage, or back to the beginning.
 * 3. `wrong` moves the source back to the beginning at all doors. The dialect adds the count of distinct ports there.
 */
export function knockChains(plan: KernelPlan, family: Family): Knocking {
  const doors = doorsOf(plan, family).map((door) => ({ door, lists: listsOf(door, family) }))
  const flags = (door: KernelDoor): FlagTest | undefined =>
    plan.flagged ? (door.tcpFlags ?? OPENING_FLAGS) : undefined
  const due = doors.flatMap(({ door, lists }) => dueRules(door, lists, flags(door)))
  const passed: readonly Rule[] = [
    ...doors.flatMap(({ door, lists }) =>
      door.ports.map((service): Rule => ({ tests: [{ service }, { in: lists.open }], act: 'return' })),
    ),
    ...plan.allowed.map((service): Rule => ({ tests: [{ service }], act: 'return' })),
  ]
  const ignored: readonly Rule[] =
    plan.scanPorts === 0 ? [] : [{ tests: [{ in: ignoredList(plan, family) }], act: 'return' }]
  const all = doors.flatMap(({ lists }) => [...lists.stages, ...(lists.stages.length > 0 ? [lists.begun] : [])])
  return {
    lists: doors.flatMap(({ lists }) => [
      ...(lists.stages.length > 0 ? [lists.begun] : []),
      ...lists.stages,
      lists.open,
    ]),
    chains: [
      ...doors.flatMap(({ door, lists }) => doorChains(door, lists, family, flags(door))),
      {
        name: TURN,
        about: 'the next knock of a sequence',
        rules: doors.map(({ door }) => plain({ jump: entrance(door) })),
      },
      {
        name: WRONG,
        about: 'a wrong port: back to the beginning at all doors',
        rules: all.map((list) => plain({ remove: list })),
      },
      {
        name: KNOCK,
        about: 'next knock, open port, or wrong port',
        rules: [...ignored, ...withoutDoubles(due), ...passed, plain({ goto: WRONG })],
      },
    ],
  }
}

function plain(act: Act): Rule {
  return { tests: [], act }
}

function listsOf(door: KernelDoor, family: Family): DoorLists {
  const { slug, seqTimeoutMs: timeoutMs, knocks } = door
  const prefix = ADDRESS_BITS[family]
  const list = (name: string): List => ({ name: `${name}_${slug}`, timeoutMs, prefix })
  return {
    begun: list('begun'),
    stages: knocks.slice(1).map((_, index) => list(`stage${index + 1}`)),
    open: openList(door, family),
  }
}

/** Returns the rules that match the next knock of any door. */
function dueRules({ knocks }: KernelDoor, { stages, open }: DoorLists, flags: FlagTest | undefined): readonly Rule[] {
  const turn = (knock: Knock, ...tests: readonly Test[]): Rule => ({
    tests: [{ knock, flags }, ...tests],
    act: { goto: TURN },
  })
  return [
    turn(knocks[0]!),
    ...stages.flatMap((stage, index) => [
      turn(knocks[index + 1]!, { in: stage }),
      ...(index === 0 ? [] : [turn(knocks[index]!, { in: stage })]),
    ]),
    ...(knocks.length > 1 ? [turn(knocks.at(-1)!, { in: open })] : []),
  ]
}

/** Doors may begin with the same knocks. */
function withoutDoubles(rules: readonly Rule[]): readonly Rule[] {
  const seen = new Set<string>()
  return rules.filter((rule) => {
    const text = JSON.stringify(rule)
    const fresh = !seen.has(text)
    seen.add(text)
    return fresh
  })
}

function entrance({ slug, allowFrom }: KernelDoor): string {
  return allowFrom.length === 0 ? `door_${slug}` : `from_${slug}`
}

function doorChains(door: KernelDoor, lists: DoorLists, family: Family, flags: FlagTest | undefined): readonly Chain[] {
  const { slug, knocks, allowFrom } = door
  const { begun, stages, open } = lists
  const first = stages[0]
  const name = `door_${slug}`
  const move = (count: number): string => `move${count}_${slug}`
  const moves = knocks.map((_, index): Chain => {
    const rules: Rule[] = []
    const into = stages[index]
    // A first knock restarts the sequence from any stage. Later knocks come from the stage before.
    const leaves = index === 0 ? stages.slice(1) : [stages[index - 1]!]
    rules.push(...leaves.map((list) => plain({ remove: list })))
    if (into !== undefined) rules.push(plain({ put: into }))
    if (index === 0 && into !== undefined) rules.push(plain({ put: begun }))
    if (into === undefined) {
      if (first !== undefined) rules.push(plain({ remove: begun }))
      rules.push(plain({ put: open }))
    }
    return { name: move(index + 1), about: `knock ${index + 1} of ${knocks.length}`, rules }
  })
  const knock = (index: number): Test => ({ knock: knocks[index]!, flags })
  // The `begun` list holds a source since its first knock. It limits the time of all knocks together.
  const forward = stages.map((stage, index): Rule => ({
    tests: [knock(index + 1), { in: stage }, { in: begun }],
    act: { goto: move(index + 2) },
  }))
  const repeats = stages
    .slice(1)
    .map((stage, index): Rule => ({ tests: [knock(index + 1), { in: stage }], act: 'return' }))
  const back = first === undefined ? [] : [...stages, begun].map((list) => plain({ remove: list }))
  const rules: readonly Rule[] = [
    ...forward.toReversed(),
    ...repeats,
    { tests: [knock(0)], act: { goto: move(1) } },
    ...back,
  ]
  const ours = allowFrom.filter(({ address }) => address.family === family)
  const gate: readonly Chain[] =
    allowFrom.length === 0
      ? []
      : [
          {
            name: entrance(door),
            about: 'networks whose knocks count',
            rules: ours.map((network): Rule => ({ tests: [{ from: network }], act: { goto: name } })),
          },
        ]
  return [...moves, { name, about: 'to the next stage, or back to the beginning', rules }, ...gate]
}
