import { basename } from 'node:path'
import type { Change } from '../../lint/change.ts'
import { changesOf } from '../../lint/firewall.ts'
import { KNOCK_MAX_BYTES } from '../../config/config.ts'
import type { Config, Door, Knock } from '../../config/config.ts'
import { shutsItself } from '../../config/door-commands.ts'
import { isOrdinary } from '../../config/flags.ts'
import { codeOf, fixedKnocks, packetOf, secretPath } from '../../config/secret.ts'
import { splitCommand } from '../../lint/shell.ts'
import { formatService } from '../../config/service.ts'
import type { Family } from '../../packet/address.ts'
import { ICMP, TCP, UDP } from '../../packet/packet.ts'
import { listeningPorts } from '../../host/listening.ts'
import type { Asked } from './arguments.ts'
import { Holders } from './holders.ts'
import { STAGE_FOLDER } from '../../twin/namespace.ts'
import type { KnockOrder } from '../../twin/orders.ts'
import { commandsIn, outsideIn } from '../../twin/outside.ts'
import { portText, portsOf } from '../../twin/ports.ts'
import type { OpenedPort } from '../../twin/ports.ts'
import { listOf } from './real-files.ts'
import type { OneTimeList } from './real-files.ts'
import { rehearsedConfig } from '../../twin/rehearsed-config.ts'
import type { RehearsedConfig } from '../../twin/rehearsed-config.ts'
import { gap, seconds } from './report.ts'
import type { DoorTried } from './report.ts'
import type { Copied } from '../../twin/ruleset-copy.ts'
import { DAEMON } from '../../twin/twin.ts'
import type { Twin } from '../../twin/twin.ts'
import { tryDoor } from './trial.ts'

/** The number of ports that a scan tries on either side of a sequence's port. */
const SCAN_AROUND = 24
/** The low ports that a scan tries for each port of Scan_Ports. Several ports may count as one, so one is too few. */
const SCAN_LOW_PORTS = 16
const PORT_MAX = 65_535

/** The config to rehearse, with the options. */
export interface Plan {
  readonly asked: Asked
  readonly config: Config
  readonly text: string
  readonly rulesText: string
  readonly say: (line: string) => void
}

/** Rehearses a config on a twin, door by door, over one family. */
export class Rehearsal {
  readonly doors: DoorTried[] = []
  readonly #family: Family
  readonly #twin: Twin
  readonly #plan: Plan
  /** The one-time sequences that are left, by the door's name. */
  readonly #lists = new Map<string, OneTimeList & { used: number }>()
  readonly #holders = new Holders()
  /** The sources that a door without automatic shutting has let in, by port. */
  readonly #inside = new Map<string, string>()
  readonly #scan: readonly KnockOrder[]

  constructor(twin: Twin, family: Family, plan: Plan) {
    this.#twin = twin
    this.#family = family
    this.#plan = plan
    this.#scan = scanOf(plan.config)
  }

  get copied(): Copied {
    return this.#twin.copied
  }

  /** Starts the daemon, and tries every requested door. @throws Error if the twin breaks down */
  async perform(): Promise<void> {
    const { asked, config } = this.#plan
    const refused = new Map<string, string>()
    for (const door of config.doors) {
      const reason = asked.runAnyway ? undefined : reasonToRefuse(door)
      if (reason !== undefined) refused.set(door.name, reason)
    }
    const rehearsed = await this.#prepare(new Set(refused.keys()))
    const all = [...this.#ports()]
    for (const { protocol, listensAt } of all) await this.#twin.server.ask('listen', { protocol, port: listensAt })
    if (refused.size < config.doors.length) {
      await this.#twin.startDaemon(rehearsed.text, basename(asked.file), asked.interfaces)
    }
    for (const door of config.doors) {
      if (asked.doors.length > 0 && !asked.doors.includes(door.name)) continue
      const reason = refused.get(door.name)
      const report = { name: door.name, line: door.line, ports: '', observations: [], remarks: [] }
      if (reason === undefined) this.doors.push(await this.#try(door, rehearsed))
      else this.doors.push({ ...report, notes: [gap(reason)] })
    }
    await this.#twin.server.ask('stop', { name: DAEMON })
  }

  /** Copies the one-time lists, and makes the daemon's config. */
  async #prepare(leaveOut: ReadonlySet<string>): Promise<RehearsedConfig> {
    const { config, text, asked } = this.#plan
    const lists = new Map<string, string>()
    for (const { name, secret } of config.doors) {
      const list = listOf(secret)
      if (list === undefined) continue
      const copy = `${STAGE_FOLDER}/list-${lists.size + 1}`
      lists.set(name, copy)
      this.#lists.set(name, { ...list, used: 0 })
      await this.#twin.server.ask('write', { path: copy, text: list.text })
    }
    const places = { stateDir: `${STAGE_FOLDER}/state`, lists }
    return rehearsedConfig(text, config, places, { full: asked.full, leaveOut })
  }

  *#ports(): Generator<OpenedPort> {
    for (const door of this.#plan.config.doors) {
      const found = this.#portsOf(door)
      if (found.kind === 'known') yield* found.ports
    }
  }

  #portsOf(door: Door): ReturnType<typeof portsOf> {
    const chosen = this.#plan.asked.ports.get(door.name) ?? []
    return portsOf(door, this.#family, { chosen, rules: this.#plan.rulesText, listening })
  }

  async #try(door: Door, rehearsed: RehearsedConfig): Promise<DoorTried> {
    const family = this.#family
    const times = rehearsed.times.get(door.name)!
    const { name, line } = door
    const blank = { name, line, ports: '', observations: [], notes: [], remarks: this.#remarks(door, times) }
    if (this.#twin.hostOf(family) === undefined) return blank
    if (door.target !== undefined && door.target.family !== family) return blank
    const notes: string[] = []
    const found = this.#portsOf(door)
    if (found.kind === 'unknown') notes.push(gap(`${found.why}; name it: --port ${name}=tcp/22`))
    else if (found.note !== undefined) notes.push(found.note)
    const known = found.kind === 'known' ? found.ports : []
    const ports = known.map(portText).join(', ')
    const secret = this.#knocksOf(door)
    if (typeof secret === 'string') return { ...blank, ports, notes: [...notes, gap(secret)] }
    this.#plan.say(`${name}, IPv${family}`)
    const shuts = isShutter(door)
    const source = shuts ? this.#whoIsInside(known) : undefined
    const trial = { door, family, ports: known, times, ...secret, scan: this.#scan, shuts, source }
    const observation = await tryDoor(this.#twin, trial)
    if (observation.notTried !== undefined) notes.push(gap(`IPv${family}: ${observation.notTried}`))
    if (observation.lost.length > 0 && !shuts) await this.#twin.restoreRules()
    const hasOpened = typeof observation.opened[0] === 'number' && observation.before[0] !== 'open'
    const staysOpen = hasOpened && !shutsItself(door, family)
    if (staysOpen && observation.source !== undefined) {
      for (const port of known) this.#inside.set(portText(port), observation.source)
    }
    return { ...blank, ports, observations: [observation], notes }
  }

  #remarks(door: Door, times: { readonly deadlineShortened: boolean; readonly cmdTimeoutMs: number }): string[] {
    const remarks: string[] = []
    if (times.deadlineShortened && shutsItself(door, 4)) {
      const [short, real] = [seconds(times.cmdTimeoutMs), seconds(door.cmdTimeoutMs)]
      remarks.push(`deadline shortened to ${short} for the rehearsal; --full waits ${real}`)
    }
    if (!shutsItself(door, 4) && !isShutter(door)) {
      const passing = changesIn(door).some((change) => change.passing)
      remarks.push(
        passing
          ? 'the firewall shuts it by itself, after the time in the command; the rehearsal does not wait for that'
          : 'it has no stop command: what it opens stays open',
      )
    }
    const elsewhere = door.opens.filter(({ host }) => host !== undefined)
    if (elsewhere.length > 0) {
      remarks.push(gap(`${elsewhere.map((each) => formatService(each)).join(', ')} of another host`))
    }
    return remarks
  }

  /** Returns the knocks for a door and those for the attempts that must not open it, or why there are none. */
  #knocksOf({
    name,
    secret,
    tcpFlags,
  }: Door): { knocks: readonly Knock[]; wrongKnocks: readonly Knock[] | undefined } | string {
    if (tcpFlags !== undefined && !isOrdinary(tcpFlags)) {
      return 'its TCPFlags ask for packets that no ordinary client sends'
    }
    const fixed = fixedKnocks(secret)
    if (fixed.length > 0) return { knocks: fixed, wrongKnocks: fixed }
    if (codeOf(secret) !== undefined) return this.#holders.knocks(secret)
    if (packetOf(secret) !== undefined) return 'it opens to single packets, which a rehearsal has no key for'
    const list = this.#lists.get(name)
    const knocks = list?.left[list.used]
    if (list === undefined || knocks === undefined) {
      const path = secretPath(secret)
      return `no one-time sequence is left for it${path === undefined ? '' : ` in ${path}`}`
    }
    list.used++
    return { knocks, wrongKnocks: list.left[list.used] }
  }

  #whoIsInside(ports: readonly OpenedPort[]): string | undefined {
    return ports.map((port) => this.#inside.get(portText(port))).find((source) => source !== undefined)
  }
}

function listening(): readonly number[] {
  return [...listeningPorts()[TCP]].toSorted((one, other) => one - other)
}

/** Returns true if a door's command only removes rules: it shuts ports that another door has opened. */
export function isShutter(door: Door): boolean {
  const changes = changesIn(door)
  return changes.length > 0 && changes.every(({ act, opens: lets }) => act !== 'add' && !lets)
}

/** Returns the known changes that a door's start command makes. */
function changesIn({ commands4, opens }: Door): readonly Change[] {
  if (opens.length > 0 || commands4.start === undefined) return []
  return splitCommand(commands4.start).commands.flatMap((words) => changesOf(words) ?? [])
}

function reasonToRefuse(door: Door): string | undefined {
  for (const command of commandsIn(door)) {
    const outside = outsideIn(command)
    if (outside !== undefined) {
      return `\`${outside.program}\` ${outside.why}; --run-anyway runs it, isolated from this machine as far as possible`
    }
  }
  return undefined
}

/**
 * Returns the knocks of a scan: the lowest ports, those near the ports of sequences, and pings near the sizes of theirs;
 * UDP only if a sequence uses it.
 */
function scanOf({ doors, options }: Config): readonly KnockOrder[] {
  const knocks = doors.flatMap(({ secret }) => fixedKnocks(secret))
  const low = SCAN_LOW_PORTS * Math.max(1, options.scanPorts)
  const ports = new Set(Array.from({ length: low }, (_, index) => index + 1))
  const sizes = new Set<number>()
  for (const { protocol, port, size } of knocks) {
    if (protocol === ICMP) addNear(sizes, size, 0, KNOCK_MAX_BYTES)
    else addNear(ports, port, 1, PORT_MAX)
  }
  const udp = new Set(knocks.filter(({ protocol }) => protocol === UDP).map(({ port }) => port))
  const pings = ascending(sizes).map((size): KnockOrder => ({ protocol: ICMP, port: 0, size }))
  const hits = ascending(ports).flatMap((port): readonly KnockOrder[] =>
    udp.has(port)
      ? [
          { protocol: TCP, port },
          { protocol: UDP, port },
        ]
      : [{ protocol: TCP, port }],
  )
  return [...pings, ...hits]
}

function addNear(numbers: Set<number>, around: number, min: number, max: number): void {
  for (let near = around - SCAN_AROUND; near <= around + SCAN_AROUND; near++) {
    if (near >= min && near <= max) numbers.add(near)
  }
}

function ascending(numbers: ReadonlySet<number>): readonly number[] {
  return [...numbers].toSorted((one, other) => one - other)
}
