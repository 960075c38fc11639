import { keyOf } from '../../gate/knock-key.ts'
import { setTimeout as pause } from 'node:timers/promises'
import type { Door, Knock } from '../../config/config.ts'
import { commandsOf, shutsItself } from '../../config/door-commands.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Family } from '../../packet/address.ts'
import { meet, whoTakes } from '../../twin/cause/culprit.ts'
import { commandsRun, hasOpened, saysOpen } from './daemon-log.ts'
import type { Observation } from '../../twin/observation.ts'
import type { Answer, KnockOrder, Endpoint } from '../../twin/orders.ts'
import type { OpenedPort } from '../../twin/ports.ts'
import type { DoorTimes } from '../../twin/rehearsed-config.ts'
import { linesOnlyIn, takeRules, withoutNoted } from '../../twin/rules.ts'
import type { RuleLine, Rules } from '../../twin/rules.ts'
import { DAEMON } from '../../twin/twin.ts'
import type { Twin } from '../../twin/twin.ts'

/** The time limit of a try at a shut port, in milliseconds. In the copy an answer takes about one. */
const SHUT_TRY_MS = 700
/** The longest time from the last knock until a door opens, in milliseconds. */
const OPEN_LIMIT_MS = 1_500
/** The longest time until the daemon logs that a door opens, in milliseconds. */
const SAID_LIMIT_MS = 1_000
/** Milliseconds that a port may stay open beyond its time, because a stop command has to run first. */
const CLOSE_SLACK_MS = 3_000
/** The longest time for data to go over a connection and back, in milliseconds. */
const SPEAK_LIMIT_MS = 1_500
/** Milliseconds after Seq_Timeout at which the last knock of a slow attempt is sent. */
const SLOW_MARGIN_MS = 500
/** Milliseconds in which unanswered data on a connection is certainly sent again. */
const SPEAK_AGAIN_MS = 3_000
/** The most times that the rules are read until they are as before, and the milliseconds between two reads. */
const LOOKS_MAX = 6
const LOOK_PAUSE_MS = 150

/** The trial of one door over one family. */
export interface Trial {
  readonly door: Door
  readonly family: Family
  readonly ports: readonly OpenedPort[]
  readonly times: DoorTimes
  readonly knocks: readonly Knock[]
  /** The knocks for the attempts that must not open the door; `undefined` if no sequence is left for them. */
  readonly wrongKnocks: readonly Knock[] | undefined
  /** The ports of a scan, in ascending order. */
  readonly scan: readonly KnockOrder[]
  /** True if the door shuts ports that another door has opened. */
  readonly shuts: boolean
  /** The address that knocks, at a door that shuts: another door has let it in. Otherwise `undefined`. */
  readonly source: string | undefined
}

/** Tries a door with correct and wrong knocks, and returns the observations. @throws Error if the twin breaks down */
export async function tryDoor(twin: Twin, trial: Trial): Promise<Observation> {
  const { door, family, ports, times } = trial
  const host = twin.hostOf(family)!
  const [source, other] =
    trial.source === undefined
      ? await twin.knockers(family, door.allowFrom, [])
      : [trial.source, ...(await twin.knockers(family, []))]
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
  const endpoints = ports.map(({ protocol, port }): Endpoint => ({ protocol, host, port, source }))
  const [main] = endpoints
  const from = twin.log.length
  const [rulesBefore, before] = await Promise.all([
    takeRules(twin.run),
    tryAll(twin, endpoints, inside ? source : other),
  ])

  const opened = await knockAndEnter(twin, trial, endpoints, source)
  const seen =
    (await twin.server.line(DAEMON, from, (line) => saysOpen(line, door.name, source), SAID_LIMIT_MS)) !== undefined
  const rulesOpen = await takeRules(twin.run)
  const isOpen = main !== undefined && opened[0] !== null && before[0] !== 'open' && !shuts
  const stays = main !== undefined && seen && !shuts && opened[0] === null && before[0] !== 'open' && meant
  const met = stays ? await meet(twin, main, async () => await tryOnce(twin, main)) : undefined
  const othersTried = isOpen ? tryAll(twin, endpoints, other) : Promise.resolve([])
  const [others, negatives, closed] = await Promise.all([
    othersTried,
    tryWrongly(twin, trial, async () => before[0] !== 'open' && !(await othersTried).includes('open')),
    waitForClose(twin, trial, from, source),
  ])
  const holds = isOpen && main.protocol === 'tcp' && shutsItself(door, family)
  const survived = holds ? await twin.client.ask('speak', { endpoint: main, limitMs: SPEAK_LIMIT_MS }) : undefined
  const sessionCulprit =
    survived === false ? await whoTakes(twin, main!, async () => await speakAgain(twin, main!)) : undefined
  // What no command takes back does not settle.
  const kept = withoutNoted(rulesBefore)
  const rulesAfter = shutsItself(door, family)
    ? await settledRules(twin, kept)
    : withoutNoted(await takeRules(twin.run))
  const added = linesOnlyIn(rulesOpen, rulesBefore)
  if (main !== undefined) await twin.client.ask('release', { endpoint: main })
  return {
    ...blank,
    before,
    seen,
    opened,
    others,
    survived,
    closed,
    ...negatives,
    commands: commandsRun(twin.log.slice(from), door, source, family),
    added,
    rulesOpen,
    left: linesOnlyIn(rulesAfter, kept).filter((line) => !isOfUfw(line, source, added)),
    lost: linesOnlyIn(kept, rulesAfter),
    culprit: met?.culprit,
    sessionCulprit,
    passed: met?.passed ?? [],
  }
}

const NO_ADDRESS = 'no address is allowed to knock'

/** The observations of a door before anything was tried. */
export const NOTHING_SEEN = {
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

/** Returns true if a door does anything for knocks of a family. */
export function opensIn(door: Door, family: Family): boolean {
  return door.opens.length > 0 || commandsOf(door, family).start !== undefined
}

/** Sends the correct knocks and connects. Returns for each port the milliseconds it took, or `null` if it failed. */
async function knockAndEnter(
  twin: Twin,
  { door, family, times, knocks, shuts }: Trial,
  endpoints: readonly Endpoint[],
  source: string,
): Promise<readonly (number | null)[]> {
  const order = { host: knockedAt(twin, door, family), source, knocks }
  const [main, ...rest] = endpoints
  if (main === undefined || shuts) {
    await twin.client.ask('knock', order)
    // The effect of the door's command can only be seen in the rules.
    await pause(SHUT_TRY_MS)
    return []
  }
  const limitMs = Math.min(OPEN_LIMIT_MS, Math.max(times.cmdTimeoutMs / 2, SHUT_TRY_MS))
  const first = await twin.client.ask('enter', { ...order, endpoint: main, limitMs })
  const answers = await tryAll(twin, rest, source)
  return [first, ...answers.map((answer) => (answer === 'open' ? 0 : null))]
}

function knockedAt(twin: Twin, { target }: Door, family: Family): string {
  return target?.family === family ? formatAddress(target) : twin.hostOf(family)!
}

async function tryAll(twin: Twin, endpoints: readonly Endpoint[], source: string): Promise<readonly Answer[]> {
  return await Promise.all(endpoints.map(async (endpoint) => await tryOnce(twin, { ...endpoint, source })))
}

async function tryOnce(twin: Twin, endpoint: Endpoint): Promise<Answer> {
  return await twin.client.ask('attempt', { endpoint, limitMs: SHUT_TRY_MS })
}

async function speakAgain(twin: Twin, endpoint: Endpoint): Promise<void> {
  await twin.client.ask('speak', { endpoint, limitMs: SPEAK_AGAIN_MS })
}

/** Waits for the end of an opening. Returns the milliseconds until the port was shut; `null` if it is still open. */
async function waitForClose(
  twin: Twin,
  { door, family, ports, times, source: given, shuts }: Trial,
  from: number,
  source: string,
): Promise<number | null | undefined> {
  const [port] = ports
  const endpoint = port === undefined ? undefined : { ...port, host: twin.hostOf(family)!, source }
  const shut = async (limitMs: number): Promise<number | null | undefined> =>
    endpoint === undefined ? undefined : await twin.client.ask('shut', { endpoint, limitMs })
  if (given !== undefined) return await shut(CLOSE_SLACK_MS)
  if (shuts || !shutsItself(door, family)) return undefined
  const waitMs = times.cmdTimeoutMs + CLOSE_SLACK_MS
  if (door.opens.length > 0) return await shut(waitMs)
  const isTimeout = (line: string): boolean => line === `${source}: ${door.name}: command timeout`
  await twin.server.line(DAEMON, from, isTimeout, waitMs)
  return await shut(CLOSE_SLACK_MS)
}

/**
 * Makes the attempts that must not open a door, at the same time, each from an address of its own.
 *
 * @param isAloof tells if the port is shut to all but the knocker: if it opens to another source, that attempt opened it
 */
async function tryWrongly(
  twin: Twin,
  { door, family, ports, times, wrongKnocks, scan }: Trial,
  isAloof: () => Promise<boolean>,
): Promise<Pick<Observation, 'wrongOrder' | 'slowKnock' | 'portScan'>> {
  const knocks = wrongKnocks ?? []
  const host = knockedAt(twin, door, family)
  const opensTo = async (made: readonly KnockOrder[], source: string | undefined): Promise<boolean | undefined> => {
    if (source === undefined) return undefined
    const from = twin.log.length
    await twin.client.ask('knock', { host, source, knocks: made })
    const endpoints = ports.map(({ protocol, port }) => ({ protocol, port, host: twin.hostOf(family)!, source }))
    const answers = await tryAll(twin, endpoints, source)
    return (answers.includes('open') && (await isAloof())) || hasOpened(twin.log.slice(from), door.name, source)
  }
  const turned = [...knocks.slice(1), ...knocks.slice(0, 1)]
  const differs = turned.some((knock, index) => keyOf(knock) !== keyOf(knocks[index]!))
  const last = knocks.length - 1
  const late = { afterMs: times.seqTimeoutMs + SLOW_MARGIN_MS }
  const slow = last < 1 ? [] : knocks.map((knock, index) => (index === last ? { ...knock, ...late } : knock))
  const attempts = [differs ? turned : [], slow, knocks.length === 0 ? [] : [...scan, ...scan.toReversed()]]
  const made = attempts.filter((attempt) => attempt.length > 0)
  const sources = await twin.knockers(family, ...made.map(() => door.allowFrom))
  const [wrongOrder, slowKnock, portScan] = await Promise.all(
    attempts.map(async (attempt) => await opensTo(attempt, sources[made.indexOf(attempt)])),
  )
  return { wrongOrder, slowKnock, portScan }
}

/** Returns true for rules of ufw that `ufw delete` adds because it loads all of ufw's rules again. */
function isOfUfw({ where, text }: RuleLine, source: string, added: readonly RuleLine[]): boolean {
  if (!/^(?:-A |:)ufw6?-/.test(text) || text.includes(source)) return false
  return !added.some((line) => line.where === where && line.text === text)
}

async function settledRules(twin: Twin, before: Rules): Promise<Rules> {
  let rules = withoutNoted(await takeRules(twin.run))
  const differs = (): boolean => linesOnlyIn(rules, before).length > 0 || linesOnlyIn(before, rules).length > 0
  for (let look = 1; look < LOOKS_MAX && differs(); look++) {
    await pause(LOOK_PAUSE_MS)
    rules = withoutNoted(await takeRules(twin.run))
  }
  return rules
}
