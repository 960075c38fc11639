import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Door } from '../../config/config.ts'
import { isUserName } from '../../config/users.ts'
import { SECRET } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { formatAddress } from '../../packet/address.ts'
import { TCP } from '../../packet/packet.ts'
import type { Packet } from '../../packet/packet.ts'
import {
  PROFILE_FILES,
  PROFILE_FILE_MAX_BYTES,
  readCounter,
  readProfileConfig,
  readProfileKey,
} from '../../spa/knockknock/profile.ts'
import type { ProfileRead } from '../../spa/knockknock/profile.ts'
import { COUNTER_WINDOW_DEFAULT, decodeSyn } from '../../spa/knockknock/syn.ts'
import type { KnockknockKeys } from '../../spa/knockknock/syn.ts'
import { admits, servicesFor } from './granted.ts'
import type { Arrival, JudgeTerms } from './granted.ts'

/**
 * Profiles tried on SYNs in a second, each with a window of counters: a tenth of a millisecond each. Whoever floods the port
 * keeps its users out; a packet of Postern's own costs far less to refuse.
 */
export const TRIED_PER_S = 3_000
const SECOND_MS = 1_000
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
  #byPort = new Map<number, readonly Profile[]>()
  #doors: readonly Door[] = []
  #second = 0
  #tried = 0

  constructor(of: JudgeTerms) {
    this.#of = of
  }

  /** Whether packets of this kind are waited for. */
  get wanted(): boolean {
    return this.#byPort.size > 0
  }

  /** Ports at which such packets are waited for. */
  get ports(): readonly number[] {
    return [...this.#byPort.keys()]
  }

  /** How many users a door has; `undefined`: it is none of these. */
  users(name: string): number | undefined {
    if (!this.#doors.some((door) => door.name === name)) return undefined
    return [...this.#byPort.values()].flat().filter(({ door }) => door.name === name).length
  }

  /** Puts doors in force, and reads their profiles. */
  replace(doors: readonly Door[]): void {
    this.#doors = doors.filter(({ secret }) => secret.kind === 'spa' && secret.protocol === 'knockknock')
    const byPort = new Map<number, Profile[]>()
    for (const door of this.#doors) {
      for (const profile of this.#profiles(door)) {
        const there = byPort.get(profile.port)
        if (there === undefined) byPort.set(profile.port, [profile])
        else there.push(profile)
      }
    }
    this.#byPort = byPort
  }

  /** Takes a SYN. False: it is no profile's. */
  take(packet: Packet, arrival: Arrival): boolean {
    const profiles = packet.family === 4 ? this.#byPort.get(packet.port) : undefined
    for (const profile of profiles ?? []) {
      if (!this.#mayTry()) return false
      const found = decodeSyn(packet, profile.keys, this.#next(profile), COUNTER_WINDOW_DEFAULT)
      if (found === undefined) continue
      void this.#judge(profile, found, arrival)
      return true
    }
    return false
  }

  /** Whether one more profile may be tried in this second. */
  #mayTry(): boolean {
    const second = Math.floor(performance.now() / SECOND_MS)
    if (second !== this.#second) {
      this.#second = second
      this.#tried = 0
    }
    this.#tried++
    return this.#tried <= TRIED_PER_S
  }

  async #judge(
    { door, name }: Profile,
    { port, counter }: { readonly port: number; readonly counter: number },
    arrival: Arrival,
  ): Promise<void> {
    const { store, say, open } = this.#of
    const { source } = arrival
    try {
      // Whatever it asks for: nobody else may use the counter, as its text would give both away.
      const isNew = await store.advance(
        counterKey(door, name),
        String(counter),
        (present) => counter > counterOf(present),
      )
      if (!isNew) return
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

function value<T>(folder: string, file: string, read: (text: string) => ProfileRead<T>): T {
  const found = read(readPrivateText(join(folder, file), PROFILE_FILE_MAX_BYTES, SECRET))
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
