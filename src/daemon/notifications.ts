import type { Config } from '../config/config.ts'
import type { EventName, OnEvent } from '../config/on-event.ts'
import { CommandRunner } from '../door/command.ts'
import type { CommandLine, Outcome } from '../door/command.ts'
import { within } from '../door/time-limit.ts'
import { counted } from '../text/counted.ts'
import { MinuteReport } from './minute-report.ts'
import type { LogEvent } from '../log/event.ts'
import { sourceOf } from '../log/format.ts'
import { oneLine } from '../log/line.ts'
import type { Entry } from '../log/line.ts'
import { LIMITED } from '../log/log.ts'
import type { EventSink, Log } from '../log/log.ts'
import { namesOf, notificationOf } from './notification.ts'
import { NOTIFICATION_LIMITS, NOTIFICATION_MAX_MS, NotificationLane } from './notification-lane.ts'
import type { Waiting } from './notification-lane.ts'

/** Milliseconds that the end of the daemon waits for commands that run or wait. */
export const NOTIFICATIONS_END_MS = 2_000
/** The longest part of a failed command's output in its log line, in UTF-16 units. */
const OUTPUT_MAX_CHARS = 200

/** Further kinds that others can cause: by packets that were sent before, or that no door grants. */
const OF_STRANGERS: ReadonlySet<string> = new Set([...LIMITED, 'refused', 'used-before', 'rejected', 'left-out'])

/** Kinds of events without a source that openings and operators cause, and not the daemon itself. */
const OF_PEOPLE: ReadonlySet<string> = new Set(['by-hand', 'command', 'status', 'output'])

/** The dependencies of notifications. */
export interface NotificationsDeps {
  readonly log: Pick<Log, 'notice'>
  readonly runner?: { run(command: CommandLine): Promise<Outcome> }
  /** Milliseconds of a steady clock. */
  now?(): number
}

/** Tells commands of events (On_Event). No event waits for a command, and nothing of an event is part of a command line. */
export class Notifications implements EventSink {
  readonly #deps: Required<NotificationsDeps>
  readonly #lanes: readonly [owners: NotificationLane, strangers: NotificationLane]
  /** The number of events that a command was not told of, by its line in the config: a reload keeps it. */
  readonly #dropped = new Map<string, number>()
  #hooks: ReadonlyMap<EventName, readonly OnEvent[]> = new Map()
  #withPorts: ReadonlySet<string> = new Set()
  #as: string | undefined
  /** Set while this logs: no command is told of that. */
  #isLogging = false
  #ended = false
  readonly #failures = new MinuteReport((count, last) => this.#log(`${last}${count === 1 ? '' : ` (${count} times)`}`))
  readonly #drops = new MinuteReport((count) => this.#log(`${counted(count, 'event')} left out: too many`))

  constructor(deps: NotificationsDeps) {
    const runner = new CommandRunner()
    this.#deps = { runner, now: () => performance.now(), ...deps }
    const run = async (waiting: Waiting, ending: AbortSignal): Promise<void> => await this.#run(waiting, ending)
    const { owners, strangers } = NOTIFICATION_LIMITS
    this.#lanes = [new NotificationLane(owners, run), new NotificationLane(strangers, run)]
  }

  /**
   * Has the commands of a config told of later events. Those that wait still run, as the user of before.
   *
   * @param as the user and group of the commands, as for {@link CommandLine}
   */
  replace({ doors, options }: Config, as: string | undefined): void {
    const hooks = new Map<EventName, OnEvent[]>()
    for (const hook of options.onEvent) {
      for (const name of hook.events) hooks.set(name, [...(hooks.get(name) ?? []), hook])
    }
    this.#hooks = hooks
    this.#withPorts = new Set(
      hooks.size === 0 ? [] : doors.flatMap(({ name, opens }) => (opens.length > 0 ? [name] : [])),
    )
    this.#as = options.hooksAsRoot ? undefined : as
    const lines = new Set(options.onEvent.map(lineOf))
    for (const line of this.#dropped.keys()) if (!lines.has(line)) this.#dropped.delete(line)
  }

  admitted(event: LogEvent, entry: Entry): void {
    if (this.#hooks.size === 0 || this.#isLogging || this.#ended) return
    const names = namesOf(event, (door) => this.#withPorts.has(door))
    const hooks = new Set(names.flatMap((name) => this.#hooks.get(name) ?? []))
    if (hooks.size === 0) return
    const lane = this.#lanes[OF_STRANGERS.has(event.kind) ? 1 : 0]
    const source = sourceOf(event)
    const isOfDaemon = source === undefined && !OF_PEOPLE.has(event.kind)
    const isWithin = lane.admits(source, isOfDaemon, this.#deps.now())
    const as = this.#as
    for (const hook of hooks) if (!isWithin || !lane.push({ hook, event, entry, as })) this.#drop(hook)
  }

  /** Waits a moment for the last commands, and kills those that still run. Never rejects. */
  async close(): Promise<void> {
    this.#ended = true
    await within(Promise.all(this.#lanes.map(async (lane) => await lane.idle())), NOTIFICATIONS_END_MS)
    const left = this.#lanes.reduce((sum, lane) => sum + lane.end(), 0)
    if (left > 0) this.#log(`${counted(left, 'command')} ended or not run, as the daemon ends`)
    for (const report of [this.#failures, this.#drops]) report.close()
  }

  #drop(hook: OnEvent): void {
    const line = lineOf(hook)
    this.#dropped.set(line, (this.#dropped.get(line) ?? 0) + 1)
    this.#drops.add()
  }

  async #run({ hook, event, entry, as }: Waiting, ending: AbortSignal): Promise<void> {
    const line = lineOf(hook)
    const dropped = this.#dropped.get(line) ?? 0
    this.#dropped.delete(line)
    const { input, environment } = notificationOf(event, entry, dropped)
    const outcome = await this.#deps.runner.run({
      text: hook.command,
      as,
      environment,
      input,
      ending,
      urgent: false,
    })
    if (this.#ended || (outcome.kind === 'exited' && outcome.status === 0)) return
    this.#failures.add(`command for ${event.kind} ${failureOf(outcome, ending.aborted)}`)
  }

  #log(text: string): void {
    this.#isLogging = true
    this.#deps.log.notice('warning', `On_Event: ${text}`)
    this.#isLogging = false
  }
}

function lineOf({ events, command }: OnEvent): string {
  return `${events.join()}: ${command}`
}

function failureOf(outcome: Outcome, isLate: boolean): string {
  if (isLate) return `was ended: it took longer than ${NOTIFICATION_MAX_MS / 1_000} s`
  if (outcome.kind === 'failed') return `could not be run: ${oneLine(outcome.error.message)}`
  if (outcome.kind === 'refused') return 'was not run: too many are waiting'
  const printed = oneLine(outcome.output.split('\n').at(-1) ?? '').slice(0, OUTPUT_MAX_CHARS)
  const how = outcome.kind === 'killed' ? `was ended by ${outcome.signal}` : `returned status code ${outcome.status}`
  return printed === '' ? how : `${how}: ${printed}`
}
