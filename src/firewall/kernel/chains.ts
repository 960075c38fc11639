import type { FlagTest, Knock, Service } from '../../config/config.ts'
import type { Family } from '../../packet/address.ts'
import { ADDRESS_BITS } from '../../packet/network.ts'
import type { Network } from '../../packet/network.ts'
import { ACK, RST } from '../../packet/packet.ts'
import type { KernelDoor, KernelPlan } from './plan.ts'

/** How a connection begins: neither ACK nor RST (RFC 9293, 3.5). Packets that a door without `TCPFlags` counts. */
export const FIRST_FLAGS: FlagTest = { mask: ACK | RST, want: 0 }

/** What must hold of a packet for a rule to apply. */
export type Test =
  /** The source is in a list, and was put in no longer ago than the list remembers. */
  | { readonly in: List }
  | { readonly knock: Knock; readonly flags: FlagTest | undefined }
  | { readonly service: Service }
  | { readonly from: Network }

/** What a rule does. After `put` and `remove` the next rule has its turn. */
export type Act =
  | { readonly put: List }
  | { readonly remove: List }
  | { readonly jump: string }
  /** As `jump`, but what comes after that chain is what comes after this one. */
  | { readonly goto: string }
  | 'return'

/** One rule: all tests hold, or it is passed over. */
export interface Rule {
  readonly tests: readonly Test[]
  readonly act: Act
}

/** Rules one after another; at the end it returns. */
export interface Chain {
  readonly name: string
  /** What it is for, one line. */
  readonly about: string
  readonly rules: readonly Rule[]
}

/** Sources, each remembered for a time. */
export interface List {
  readonly name: string
  readonly timeoutMs: number
  /** How many bits of the source count. */
  readonly prefix: number
}

/** The knocking of one address family, in no dialect yet. */
export interface Knocking {
  /** Those of the doors; the scan guard's own are the dialect's. */
  readonly lists: readonly List[]
  readonly chains: readonly Chain[]
}

/** Names of the chains that dialects know: where a first packet goes, and where one goes that was at a wrong port. */
export const KNOCK = 'knock'
export const WRONG = 'wrong'
const TURN = 'turn'

/** The lists of a door. A source is in one stage at most. */
interface DoorLists {
  readonly begun: List
  /** For each knock but the last: who has made it and not the next. */
  readonly stages: readonly List[]
  readonly open: List
}

/** Who has knocked at a door, and how long that lasts. */
export function openList({ slug, openForMs, widen }: KernelDoor, family: Family): List {
  return { name: `open_${slug}`, timeoutMs: openForMs, prefix: widen[family] }
}

/** Whoever is ignored for scanning. */
export function ignoredList({ scanIgnoreMs }: KernelPlan, family: Family): List {
  return { name: 'ignored', timeoutMs: scanIgnoreMs, prefix: ADDRESS_BITS[family] }
}

/** Doors that sources of a family can knock at. */
export function doorsOf({ doors }: KernelPlan, family: Family): readonly KernelDoor[] {
  return doors.filter(
    ({ allowFrom }) => allowFrom.length === 0 || allowFrom.some(({ address }) => address.family === family),
  )
}

/**
 * The rules that follow knocks. Each door goes its own way, over lists of sources:
 *
 * 1. `knock` looks at what a packet is, and changes nothing: the knock that is due somewhere, or a repeat of the one just
 *    made, has its `turn`; what is open is passed over; all else is `wrong`.
 * 2. In `turn`, each door moves the source on, or back to the beginning.
 * 3. `wrong` puts the source back to the beginning at all doors. The dialect adds the count of distinct ports there.
 */
export function knockChains(plan: KernelPlan, family: Family): Knocking {
  const doors = doorsOf(plan, family).map((door) => ({ door, lists: listsOf(door, family) }))
  const flags = (door: KernelDoor): FlagTest | undefined => (plan.flagged ? (door.tcpFlags ?? FIRST_FLAGS) : undefined)
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
      { name: TURN, about: 'a knock that is due', rules: doors.map(({ door }) => plain({ jump: entrance(door) })) },
      {
        name: WRONG,
        about: 'a wrong port: back to the beginning everywhere',
        rules: all.map((list) => plain({ remove: list })),
      },
      {
        name: KNOCK,
        about: 'what is it that comes?',
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

/** The knocks that count for something, whichever door's they are. */
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

/** Doors may begin alike. */
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
    // A first knock begins anew, from whatever stage; later ones come from the stage before.
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
  // `begun` holds since the first knock, whatever was knocked at since: it is the limit for all of them together.
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
            about: 'whose knocks count',
            rules: ours.map((network): Rule => ({ tests: [{ from: network }], act: { goto: name } })),
          },
        ]
  return [...moves, { name, about: 'on, or back to the beginning', rules }, ...gate]
}
