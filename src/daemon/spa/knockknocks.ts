import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Door } from '../../config/config.ts'
import { isUserName } from '../../config/users.ts'
import { LogThrottle } from '../../limit/log-throttle.ts'
import { formatAddress } from '../../packet/address.ts'
import { TCP } from '../../packet/packet.ts'
import type { Packet } from '../../packet/packet.ts'
import { ExpectedSyns, PORTS_EXPECTED_MAX } from '../../spa/knockknock/expected.ts'
import type { Found } from '../../spa/knockknock/expected.ts'
import {
  PROFILE_FILES,
  PROFILE_FILE_MAX_BYTES,
  readCounter,
  readProfileConfig,
  readProfileKey,
} from '../../spa/knockknock/profile.ts'
import type { ProfileRead } from '../../spa/knockknock/profile.ts'
import { COUNTER_WINDOW_DEFAULT } from '../../spa/knockknock/syn.ts'
import type { KnockknockKeys } from '../../spa/knockknock/syn.ts'
import { readSecretFile } from '../secret-file.ts'
import { admits, servicesFor } from './granted.ts'
import type { Arrival, JudgeTerms } from './granted.ts'
import { lossRefusal } from './since-loss.ts'
import type { WorkBudget } from './work-budget.ts'

/** The port that a profile's SYNs ask for where its door opens any. */
const PORT_USUAL = 22
/** Most profiles of one door. */
export const PROFILES_MAX = 256

/** A folder of a user, as knockknock-genprofile makes it. */
interface Profile {
  readonly door: Door
  readonly name: string
  readonly keys: KnockknockKeys
  /** The counter in the file: the journal's counts if it is ahead of that. */
  readonly counter: number
  readonly port: number
}

/** Takes knockknock's SYNs. */
export class Knockknocks {
  readonly #of: JudgeTerms
  readonly #work: WorkBudget
  readonly #seldom = new LogThrottle()
  #profilesThere: readonly Profile[] = []
  /** By the port they come to: what the profiles may send next. */
  #expected = new Map<number, ExpectedSyns<Profile>>()
  #doors: readonly Door[] = []

  /** @param work the time that packets may take */
  constructor(of: JudgeTerms, work: WorkBudget) {
    this.#of = of
    this.#work = work
  }

  /** Whether packets of this kind are waited for. */
  get wanted(): boolean {
    return this.#expected.size > 0
  }

  /** Ports at which such packets are waited for. */
  get ports(): readonly number[] {
    return [...this.#expected.keys()]
  }

  /** How many users a door has; `undefined`: it is none of these. */
  users(name: string): number | undefined {
    if (!this.#doors.some((door) => door.name === name)) return undefined
    return this.#profilesThere.filter(({ door }) => door.name === name).length
  }

  /** Puts doors in force, and reads their profiles. */
  replace(doors: readonly Door[]): void {
    this.#doors = doors.filter(({ secret }) => secret.kind === 'spa' && secret.protocol === 'knockknock')
    this.#profilesThere = this.#doors.flatMap((door) => this.#profiles(door))
    this.#expected = new Map()
    for (const profile of this.#profilesThere) this.#expect(profile, portsOf(profile.door))
  }

  /** Takes a SYN. False: it is no profile's. */
  take(packet: Packet, arrival: Arrival): boolean {
    const expected = packet.family === 4 ? this.#expected.get(packet.port) : undefined
    if (expected === undefined) return false
    // Who has no key, and asks for any other port than profiles use to, costs an HMAC for each profile and counter.
    const found =
      expected.find(packet) ?? this.#work.run(arrival.source, 'stranger', () => expected.search(packet))?.result
    if (found === undefined) return false
    void this.#judge(found, arrival)
    return true
  }

  /** Waits for the next counters of a profile, for some likely ports more. */
  #expect(profile: Profile, ports: Iterable<number>): void {
    let expected = this.#expected.get(profile.port)
    if (expected === undefined) {
      expected = new ExpectedSyns()
      this.#expected.set(profile.port, expected)
    }
    expected.expect(profile, profile.keys, this.#next(profile), COUNTER_WINDOW_DEFAULT, ports)
  }

  async #judge({ owner, port, counter }: Found<Profile>, arrival: Arrival): Promise<void> {
    const { store, say, open } = this.#of
    const { source } = arrival
    const { door, name } = owner
    // Nothing is used up: with new profiles the counters begin anew.
    const forgotten = lossRefusal(door, store, 0)
    if (forgotten !== undefined) {
      if (this.#seldom.due(`${door.name} ${name}`, performance.now())) {
        say('notice', `${formatAddress(source)}: ${door.name}: SYN of ${name}: ${forgotten}`)
      }
      return
    }
    try {
      // Whatever it asks for: nobody else may use the counter, as its text would give both away.
      const taken = this.#sharing(owner).map(async (each) => {
        const key = counterKey(each.door, each.name)
        const isNew = store.advance(key, String(counter), (present) => counter > counterOf(present))
        // The counter is taken, durably or not: what has come once is not waited for any more.
        this.#expect(each, [port])
        return await isNew
      })
      if (!(await Promise.all(taken))[0]) return
    } catch (error) {
      say('error', `${formatAddress(source)}: ${door.name}: stays shut: ${(error as Error).message}`)
      return
    }
    const services = door.opens.length === 0 ? undefined : servicesFor(door, [{ protocol: TCP, port }])
    if (door.opens.length > 0 && services === undefined) {
      say(
        'notice',
        `${formatAddress(source)}: ${door.name}: ${name} asks for tcp/${port}, which the door does not open`,
      )
    } else if (!admits(door, [source])) {
      say('notice', `${formatAddress(source)}: ${door.name}: the address of ${name} is not in Allow_From`)
    } else open({ door, source, ms: door.cmdTimeoutMs, services, user: name, protocol: TCP, port })
  }

  /** A profile, and the others with its keys, at this door or another: one SYN must not open once at each. */
  #sharing(owner: Profile): readonly Profile[] {
    const { cipherKey, macKey } = owner.keys
    const sharing = this.#profilesThere.filter(
      (each) => each !== owner && sameBytes(each.keys.cipherKey, cipherKey) && sameBytes(each.keys.macKey, macKey),
    )
    return [owner, ...sharing]
  }

  /** The first counter that is good. */
  #next({ door, name, counter }: Profile): number {
    return Math.max(counter, counterOf(this.#of.store.newest(counterKey(door, name))) + 1)
  }

  #profiles(door: Door): readonly Profile[] {
    const { say } = this.#of
    const folder = door.secret.kind === 'spa' ? door.secret.path : ''
    try {
      const names = readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .toSorted()
      if (names.length > PROFILES_MAX)
        say('warning', `${folder}: more than ${PROFILES_MAX} profiles: the others are left out`)
      return names.slice(0, PROFILES_MAX).flatMap((name) => this.#profile(door, folder, name) ?? [])
    } catch (error) {
      say('error', `${door.name}: opens to nobody: ${folder}: ${(error as Error).message}`)
      return []
    }
  }

  #profile(door: Door, folder: string, name: string): Profile | undefined {
    const path = join(folder, name)
    try {
      if (!isUserName(name)) throw new Error('the name of the folder is no name of a user')
      const cipherKey = value(path, PROFILE_FILES.cipherKey, readProfileKey)
      const macKey = value(path, PROFILE_FILES.macKey, readProfileKey)
      const counter = value(path, PROFILE_FILES.counter, readCounter)
      const port = value(path, PROFILE_FILES.config, readProfileConfig)
      return { door, name, keys: { cipherKey, macKey }, counter, port }
    } catch (error) {
      this.#of.say('warning', `${door.name}: profile ${path}: ${(error as Error).message}`)
      return undefined
    }
  }
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}

/** Ports that a door's profiles are likely to ask for. */
function portsOf({ opens }: Door): readonly number[] {
  if (opens.length === 0) return [PORT_USUAL]
  const ports: number[] = []
  for (const { host, protocol, first, last } of opens) {
    if (host !== undefined || protocol !== TCP) continue
    for (let port = first; port <= last && ports.length < PORTS_EXPECTED_MAX; port++) ports.push(port)
  }
  return ports
}

function value<T>(folder: string, file: string, read: (text: string) => ProfileRead<T>): T {
  const found = read(readSecretFile(join(folder, file), PROFILE_FILE_MAX_BYTES))
  if ('value' in found) return found.value
  throw new Error(`${file} ${found.message}\n${found.hint}`)
}

function counterKey({ name: door }: Door, name: string): string {
  return `knockknock\n${door}\n${name}`
}

/** The last counter that was used; -1: none. */
function counterOf(text: string | undefined): number {
  return text === undefined ? -1 : Number(text)
}
