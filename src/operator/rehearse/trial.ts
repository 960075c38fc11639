import { setTimeout as pause } from 'node:timers/promises'
import type { Door, Knock } from '../../config/config.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Family } from '../../packet/address.ts'
import { TCP } from '../../packet/packet.ts'
import { meet, whoTakes } from './culprit.ts'
import { commandsRun, hasOpened, saysOpen } from './daemon-log.ts'
import type { Observation } from './observation.ts'
import type { Answer, KnockOrder, Spot } from './orders.ts'
import type { OpenedPort } from './ports.ts'
import type { DoorTimes } from './rehearsed-config.ts'
import { linesOnlyIn, takeRules } from './rules.ts'
import type { RuleLine, Rules } from './rules.ts'
import { DAEMON } from './stage.ts'
import type { Stage } from './stage.ts'

/** Milliseconds a port that is shut is tried for: on a link without delay an answer comes in one. */
const SHUT_TRY_MS = 700
/** Milliseconds a door has to open from the last knock on. */
const OPEN_LIMIT_MS = 1_500
/** Milliseconds the daemon has to say that a door opens. */
const SAID_LIMIT_MS = 1_000
/** Milliseconds that a port may stay open beyond its time: a stop command has to run first. */
const CLOSE_SLACK_MS = 3_000
/** Milliseconds that what is said on a connection may take there and back. */
const SPEAK_LIMIT_MS = 1_500
/** Milliseconds that a slow knock is later than Seq_Timeout. */
const SLOW_MARGIN_MS = 500
/** Milliseconds in which what was said on a connection is surely sent again, if nobody has answered. */
const SPEAK_AGAIN_MS = 3_000
/** Looks at the rules until they are what they were, and milliseconds between two. */
const LOOKS_MAX = 6
const LOOK_PAUSE_MS = 150

/** One door, tried over one family. */
export interface Trial {
  readonly door: Door
  readonly family: Family
  readonly ports: readonly OpenedPort[]
  readonly times: DoorTimes
  readonly knocks: readonly Knock[]
  /** What the attempts that must not open are made of; `undefined`: there is no sequence left for them. */
  readonly wrongKnocks: readonly Knock[] | undefined
  /** The ports of a scan, in ascending order. */
  readonly scan: readonly KnockOrder[]
  /** Whether the door shuts what another one has opened. */
  readonly shuts: boolean
  /** Who knocks, where that is given: a door that shuts is knocked at by whom another one has let in. */
  readonly source: string | undefined
}

/** Tries a door: knocks right, knocks wrong, waits, and notes what is seen. @throws Error if the stage breaks down */
export async function tryDoor(stage: Stage, trial: Trial): Promise<Observation> {
  const { door, family, ports, times } = trial
  const host = stage.hostOf(family)!
  const source = trial.source ?? (await stage.knocker(family, door.allowFrom))
  const other = await stage.knocker(family, [])
  const { shuts } = trial
  const meant = opensIn(door, family)
  const inside = trial.source !== undefined
  const blank = {
    door: door.name,
    family,
    ports,
    times,
    source,
    shuts,
    inside,
    meant,
    shutsItself: shutsItself(door, family),
    ...NOTHING_SEEN,
  }
  if (source === undefined || other === undefined) return { ...blank, notTried: NO_ADDRESS }
  const spots = ports.map(({ protocol, port }): Spot => ({ protocol, host, port, source }))
  const [main] = spots
  const from = stage.log.length
  const rulesBefore = await takeRules(stage.run)
  const before = await tryAll(stage, spots, inside ? source : other)

  const opened = await knockAndEnter(stage, trial, spots, source)
  const seen =
    (await stage.server.line(DAEMON, from, (line) => saysOpen(line, door.name, source), SAID_LIMIT_MS)) !== undefined
  const rulesOpen = await takeRules(stage.run)
  const isOpen = main !== undefined && opened[0] !== null && before[0] !== 'open' && !shuts
  const stays = main !== undefined && seen && !shuts && opened[0] === null && before[0] !== 'open' && meant
  const met = stays ? await meet(stage, main, async () => await tryOnce(stage, main)) : undefined
  const others = isOpen ? await tryAll(stage, spots, other) : []

  const aloof = before[0] !== 'open' && !others.includes('open')
  const [negatives, closed] = await Promise.all([
    tryWrongly(stage, trial, aloof),
    waitForClose(stage, trial, from, source),
  ])
  const holds = isOpen && main.protocol === 'tcp' && shutsItself(door, family)
  const survived = holds ? await stage.client.ask('speak', { spot: main, limitMs: SPEAK_LIMIT_MS }) : undefined
  const sessionCulprit =
    survived === false ? await whoTakes(stage, main!, async () => await speakAgain(stage, main!)) : undefined
  const rulesAfter = await settledRules(stage, rulesBefore)
  const added = linesOnlyIn(rulesOpen, rulesBefore)
  if (main !== undefined) await stage.client.ask('release', { spot: main })
  return {
    ...blank,
    before,
    seen,
    opened,
    others,
    survived,
    closed,
    ...negatives,
    commands: commandsRun(stage.log.slice(from), door, source, family),
    added,
    rulesOpen,
    left: linesOnlyIn(rulesAfter, rulesBefore).filter((line) => !isOfUfw(line, source, added)),
    lost: linesOnlyIn(rulesBefore, rulesAfter),
    culprit: met?.culprit,
    sessionCulprit,
    passed: met?.passed ?? [],
  }
}

const NO_ADDRESS = 'there is no address that may knock'

const NOTHING_SEEN = {
  before: [],
  seen: false,
  opened: [],
  others: [],
  survived: undefined,
  closed: undefined,
  wrongOrder: undefined,
  slowKnock: undefined,
  portScan: undefined,
  commands: [],
  added: [],
  rulesOpen: undefined,
  left: [],
  lost: [],
  culprit: undefined,
  sessionCulprit: undefined,
  passed: [],
  notTried: undefined,
} as const

/** Whether a door shuts by itself after its time. */
export function shutsItself({ opens, commands4, commands6 }: Door, family: Family): boolean {
  return opens.length > 0 || (family === 4 ? commands4 : commands6).stop !== undefined
}

/** Whether a door does anything for knocks of a family. */
export function opensIn({ opens, commands4, commands6 }: Door, family: Family): boolean {
  return opens.length > 0 || (family === 4 ? commands4 : commands6).start !== undefined
}

/** Knocks right and goes in: for each port the milliseconds it took, or `null`. */
async function knockAndEnter(
  stage: Stage,
  { door, family, times, knocks, shuts }: Trial,
  spots: readonly Spot[],
  source: string,
): Promise<readonly (number | null)[]> {
  const order = { host: knockedAt(stage, door, family), source, knocks: knocks.map((knock) => orderOf(knock)) }
  const [main, ...rest] = spots
  if (main === undefined || shuts) {
    await stage.client.ask('knock', order)
    // What the door's command does shows in the rules, if anywhere.
    await pause(SHUT_TRY_MS)
    return []
  }
  const limitMs = Math.min(OPEN_LIMIT_MS, Math.max(times.cmdTimeoutMs / 2, SHUT_TRY_MS))
  const opened = [await stage.client.ask('enter', { ...order, spot: main, limitMs })]
  for (const spot of rest) opened.push((await tryOnce(stage, spot)) === 'open' ? 0 : null)
  return opened
}

function knockedAt(stage: Stage, { target }: Door, family: Family): string {
  return target?.family === family ? formatAddress(target) : stage.hostOf(family)!
}

async function tryAll(stage: Stage, spots: readonly Spot[], source: string): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  for (const spot of spots) answers.push(await tryOnce(stage, { ...spot, source }))
  return answers
}

async function tryOnce(stage: Stage, spot: Spot): Promise<Answer> {
  return await stage.client.ask('attempt', { spot, limitMs: SHUT_TRY_MS })
}

async function speakAgain(stage: Stage, spot: Spot): Promise<void> {
  await stage.client.ask('speak', { spot, limitMs: SPEAK_AGAIN_MS })
}

function orderOf({ protocol, port }: Knock): KnockOrder {
  return { protocol: protocol === TCP ? 'tcp' : 'udp', port }
}

/** Waits for the end of an opening: milliseconds that the port stayed open beyond its time, `null` if it still is. */
async function waitForClose(
  stage: Stage,
  { door, family, ports, times, source: given, shuts }: Trial,
  from: number,
  source: string,
): Promise<number | null | undefined> {
  const [port] = ports
  const spot = port === undefined ? undefined : { ...port, host: stage.hostOf(family)!, source }
  const shut = async (limitMs: number): Promise<number | null | undefined> =>
    spot === undefined ? undefined : await stage.client.ask('shut', { spot, limitMs })
  if (given !== undefined) return await shut(CLOSE_SLACK_MS)
  if (shuts || !shutsItself(door, family)) return undefined
  const waitMs = times.cmdTimeoutMs + CLOSE_SLACK_MS
  if (door.opens.length > 0) return await shut(waitMs)
  const isTimeout = (line: string): boolean => line === `${source}: ${door.name}: command timeout`
  await stage.server.line(DAEMON, from, isTimeout, waitMs)
  return await shut(CLOSE_SLACK_MS)
}

/**
 * What must not open a door, all at once, each from an address of its own.
 *
 * @param aloof the port is shut to everybody but the knocker: if it is open to another one, that one has opened it
 */
async function tryWrongly(
  stage: Stage,
  { door, family, ports, times, wrongKnocks, scan }: Trial,
  aloof: boolean,
): Promise<Pick<Observation, 'wrongOrder' | 'slowKnock' | 'portScan'>> {
  const knocks = wrongKnocks?.map((knock) => orderOf(knock)) ?? []
  const host = knockedAt(stage, door, family)
  const opensTo = async (made: readonly KnockOrder[]): Promise<boolean | undefined> => {
    const source = made.length === 0 ? undefined : await stage.knocker(family, door.allowFrom)
    if (source === undefined) return undefined
    const from = stage.log.length
    await stage.client.ask('knock', { host, source, knocks: made })
    const spots = ports.map(({ protocol, port }) => ({ protocol, port, host: stage.hostOf(family)!, source }))
    const answers = await tryAll(stage, spots, source)
    return (aloof && answers.includes('open')) || hasOpened(stage.log.slice(from), door.name, source)
  }
  const turned = [...knocks.slice(1), ...knocks.slice(0, 1)]
  const differs = turned.some(
    ({ protocol, port }, index) => knocks[index]!.port !== port || knocks[index]!.protocol !== protocol,
  )
  const last = knocks.length - 1
  const late = { afterMs: times.seqTimeoutMs + SLOW_MARGIN_MS }
  const slow = last < 1 ? [] : knocks.map((knock, index) => (index === last ? { ...knock, ...late } : knock))
  const [wrongOrder, slowKnock, portScan] = await Promise.all([
    opensTo(differs ? turned : []),
    opensTo(slow),
    opensTo(knocks.length === 0 ? [] : [...scan, ...scan.toReversed()]),
  ])
  return { wrongOrder, slowKnock, portScan }
}

/** `ufw delete` loads all of ufw's rules anew, and with them some that were not there since it started. */
function isOfUfw({ where, text }: RuleLine, source: string, added: readonly RuleLine[]): boolean {
  if (!/^(?:-A |:)ufw6?-/.test(text) || text.includes(source)) return false
  return !added.some((line) => line.where === where && line.text === text)
}

async function settledRules(stage: Stage, before: Rules): Promise<Rules> {
  let rules = await takeRules(stage.run)
  const differs = (): boolean => linesOnlyIn(rules, before).length > 0 || linesOnlyIn(before, rules).length > 0
  for (let look = 1; look < LOOKS_MAX && differs(); look++) {
    await pause(LOOK_PAUSE_MS)
    rules = await takeRules(stage.run)
  }
  return rules
}
