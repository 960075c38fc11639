import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Door } from '../../config/config.ts'
import { isUserName } from '../../config/users.ts'
import { SECRET } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { WatchedFile } from '../../file/watched-file.ts'
import { LogThrottle } from '../../limit/log-throttle.ts'
import { formatAddress } from '../../packet/address.ts'
import { TCP } from '../../packet/packet.ts'
import type { Packet } from '../../packet/packet.ts'
import { sameBytes } from '../../spa/bytes.ts'
import { ExpectedSyns, PORTS_EXPECTED_MAX } from '../../spa/knockknock/expected.ts'
import type { Found } from '../../spa/knockknock/expected.ts'
import {
  PROFILE_FILES,
  PROFILE_FILE_MAX_BYTES,
  readCounter,
  readProfileConfig,
  readProfileKey,
} from '../../spa/knockknock/profile.ts'
import type { Reader } from '../../text/read.ts'
import { COUNTER_WINDOW_DEFAULT } from '../../spa/knockknock/syn.ts'
import type { KnockknockKeys } from '../../spa/knockknock/syn.ts'
import type { Held } from '../../door/held.ts'
import type { HolderJudge, Verdict } from '../verdict.ts'
import { admits, servicesFor } from './granted.ts'
import type { Arrival, JudgeTerms } from './granted.ts'
import { lossRefusal } from './since-loss.ts'
import type { WorkBudget } from './work-budget.ts'

/** The usual port for the SYNs of a profile whose door has no Open_Ports. */
const PORT_USUAL = 22
/** Characters of the hash that distinguishes the keys of different profiles (132 bits). */
const PRINT_CHARS = 22
/** The most profiles of one door. */
export const PROFILES_MAX = 256

/** The folder of a user, in the format of knockknock-genprofile. */
interface Profile {
  readonly door: Door
  readonly name: string
  readonly keys: KnockknockKeys
  /** The counter in the file. The journal's counter replaces it if that is ahead. */
  readonly counter: number
  readonly port: number
}

/** A door that knockknock packets open. */
interface KnockknockDoor {
  readonly door: Door
  readonly path: string
  readonly file: WatchedFile<readonly Profile[]>
}

/** Handles the SYNs of knockknock. */
export class Knockknocks implements HolderJudge {
  readonly #of: JudgeTerms
  readonly #work: WorkBudget
  readonly #seldom = new LogThrottle()
  /** The SYNs that profiles may send next, by the port they are sent to. */
  #expected = new Map<number, ExpectedSyns<Profile>>()
  #doors: readonly KnockknockDoor[] = []

  /** @param work the limit on the time for packets */
  constructor(of: JudgeTerms, work: WorkBudget) {
    this.#of = of
    this.#work = work
  }

  /** Returns true if a door needs packets of this kind. */
  get wanted(): boolean {
    return this.#expected.size > 0
  }

  /** The ports to which such packets are sent. */
  get ports(): readonly number[] {
    return [...this.#expected.keys()]
  }

  /** Returns the number of a door's users, or `undefined` if the door is not of this kind. */
  users(name: string): number | undefined {
    const there = this.#doors.find(({ door }) => door.name === name)
    return there === undefined ? undefined : (there.file.state ?? []).length
  }

  /** Applies a set of doors and reads their profiles. */
  replace(doors: readonly Door[]): void {
    const before = this.#doors
    this.close()
    this.#doors = doors.flatMap((door) => {
      const { secret } = door
      if (secret.kind !== 'spa' || secret.protocol !== 'knockknock') return []
      const { path } = secret
      const known = before.find((each) => each.path === path)?.file.state
      return [
        {
          door,
          path,
          file: this.#watchProfiles(
            door,
            path,
            known?.map((profile) => Object.assign({}, profile, { door })),
          ),
        },
      ]
    })
    for (const { file } of this.#doors) file.refresh()
    this.#expectAll()
  }

  /** Lets a holder keep the door if a profile has the keys that opened it. */
  mayHold({ door: name, holder, user }: Held): Verdict {
    const profiles = this.#doors.find(({ door }) => door.name === name)?.file.state
    if (profiles === undefined || (holder === undefined && user === undefined)) return 'unknown'
    const may = profiles.some((profile) =>
      holder === undefined ? profile.name === user : this.#markOf(profile.keys) === holder,
    )
    return may ? 'may' : 'may not'
  }

  /** Stops watching the files. */
  close(): void {
    for (const { file } of this.#doors) file.close()
  }

  /** Computes the SYNs that all current profiles may send next. */
  #expectAll(): void {
    this.#expected = new Map()
    for (const { file } of this.#doors) {
      for (const profile of file.state ?? []) this.#expect(profile, portsOf(profile.door))
    }
  }

  #watchProfiles(door: Door, path: string, before: readonly Profile[] | undefined): WatchedFile<readonly Profile[]> {
    const { say, holdersChanged, needsChanged } = this.#of
    const file: WatchedFile<readonly Profile[]> = new WatchedFile<readonly Profile[]>({
      path,
      before,
      read: () => this.#profiles(door, path, file.state ?? []),
      folders: () => [path, ...foldersIn(path).map((name) => join(path, name))],
      changed: (profiles) => {
        for (const profile of profiles) this.#adopt(profile)
        this.#expectAll()
        needsChanged()
        holdersChanged()
        const names = new Set(profiles.map(({ name }) => name))
        for (const { name } of known) if (!names.has(name)) say('notice', `${door.name}: access of ${name} revoked`)
        known = profiles
      },
      failed: (error, kept) => {
        const stays = kept ? 'keeping the previous profiles' : 'opens to nobody'
        say('error', `${door.name}: ${stays}: ${path}: ${error.message}`)
      },
      unwatched: (error) => say('warning', `${path} is not watched: ${error.message}`),
    })
    let known = before ?? []
    return file
  }

  #markOf({ cipherKey, macKey }: KnockknockKeys): string {
    return this.#of.marks.mark('knockknock', cipherKey, macKey)
  }

  /** Handles a SYN. Returns false if it does not belong to a profile. */
  take(packet: Packet, arrival: Arrival): boolean {
    const expected = packet.family === 4 ? this.#expected.get(packet.port) : undefined
    if (expected === undefined) return false
    // A SYN that was not expected costs an HMAC for each profile and counter. Such SYNs have no key, or ask for an
    // unusual port.
    const found =
      expected.find(packet) ?? this.#work.run(arrival.source, 'stranger', () => expected.search(packet))?.result
    if (found === undefined) return false
    void this.#judge(found, arrival)
    return true
  }

  /** Computes the SYNs for the next counters of a profile and the likely ports. */
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
    const { door, name, keys } = owner
    // Nothing is marked as used, because new profiles begin with new counters.
    const forgotten = lossRefusal(door, store, 0)
    if (forgotten !== undefined) {
      if (this.#seldom.due(`${door.name} ${name}`, performance.now())) {
        say('notice', `${formatAddress(source)}: ${door.name}: SYN of ${name}: ${forgotten}`)
      }
      return
    }
    try {
      // The counter is used up even if the request is refused. Two SYNs with the same counter would reveal the texts of
      // both.
      const isNew = store.advance(counterKey(keys), String(counter), (present) => counter > counterOf(present))
      // The counter is used up, durably or not. A SYN with it is no longer accepted.
      for (const each of this.#sharing(owner)) this.#expect(each, [port])
      if (!(await isNew)) return
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
    } else
      open({
        door,
        source,
        ms: door.cmdTimeoutMs,
        services,
        user: name,
        holder: this.#markOf(keys),
        protocol: TCP,
        port,
      })
  }

  /** Returns a profile and all others with the same keys, at any door. They share one counter. */
  #sharing(owner: Profile): readonly Profile[] {
    const { cipherKey, macKey } = owner.keys
    const all = this.#doors.flatMap(({ file }) => file.state ?? [])
    const sharing = all.filter(
      (each) => each !== owner && sameBytes(each.keys.cipherKey, cipherKey) && sameBytes(each.keys.macKey, macKey),
    )
    return [owner, ...sharing]
  }

  /** Returns the first counter that is valid. */
  #next({ keys, counter }: Profile): number {
    return Math.max(counter, counterOf(this.#of.store.newest(counterKey(keys))) + 1)
  }

  /** Imports the counter that an earlier version stored under the names of door and profile. */
  #adopt({ door, name, keys }: Profile): void {
    const { store } = this.#of
    const named = `${COUNTER_KEY}${door.name}\n${name}`
    const before = store.newest(named)
    if (before === undefined) return
    const isAhead = (present: string | undefined): boolean => counterOf(before) > counterOf(present)
    // If this fails, the next start imports the counter again.
    store
      .advance(counterKey(keys), before, isAhead)
      .then(async () => await store.forget(named))
      .catch(() => undefined)
  }

  /** Reads the profiles. A profile that cannot be read keeps its previous state, if it has one. */
  #profiles(door: Door, folder: string, before: readonly Profile[]): readonly Profile[] {
    const names = profileNames(folder)
    if (names.length > PROFILES_MAX) {
      this.#of.say('warning', `${folder}: only the first ${PROFILES_MAX} profiles are used`)
    }
    return names.slice(0, PROFILES_MAX).flatMap((name) => {
      try {
        return [readProfile(door, folder, name)]
      } catch (error) {
        const known = before.find((profile) => profile.name === name)
        const stays = known === undefined ? '' : ', keeping the previous one'
        const { message } = error as Error
        this.#of.say('warning', `${door.name}: profile ${join(folder, name)}${stays}: ${message}`)
        return known === undefined ? [] : [known]
      }
    })
  }
}

/** @throws the system's error */
function profileNames(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted()
}

function foldersIn(folder: string): readonly string[] {
  try {
    return profileNames(folder).slice(0, PROFILES_MAX)
  } catch {
    return []
  }
}

/** Returns the ports that a door's profiles are likely to ask for. */
function portsOf({ opens }: Door): readonly number[] {
  if (opens.length === 0) return [PORT_USUAL]
  const ports: number[] = []
  for (const { host, protocol, first, last } of opens) {
    if (host !== undefined || protocol !== TCP) continue
    for (let port = first; port <= last && ports.length < PORTS_EXPECTED_MAX; port++) ports.push(port)
  }
  return ports
}

/** @throws FileError, or an Error with the fault */
function readProfile(door: Door, folder: string, name: string): Profile {
  if (!isUserName(name)) throw new Error('the name of the folder is not a name of a user')
  const path = join(folder, name)
  const cipherKey = value(path, PROFILE_FILES.cipherKey, readProfileKey)
  const macKey = value(path, PROFILE_FILES.macKey, readProfileKey)
  const counter = value(path, PROFILE_FILES.counter, readCounter)
  const port = value(path, PROFILE_FILES.config, readProfileConfig)
  return { door, name, keys: { cipherKey, macKey }, counter, port }
}

function value<T>(folder: string, file: string, read: Reader<T>): T {
  const found = read(readPrivateText(join(folder, file), PROFILE_FILE_MAX_BYTES, SECRET))
  if ('value' in found) return found.value
  throw new Error(`${file} ${found.message}\n${found.hint}`)
}

/** The prefix of the journal's keys for counters. */
const COUNTER_KEY = 'knockknock\n'

/**
 * Returns the journal's key for the counter of a profile. It is made from the profile's keys, because a SYN works for
 * any door with those keys. So nobody can replay it at another door or after a rename, and new keys begin with a new
 * counter.
 */
function counterKey({ cipherKey, macKey }: KnockknockKeys): string {
  const hash = createHash('sha256').update(cipherKey).update(macKey).digest('base64url')
  return `${COUNTER_KEY}${hash.slice(0, PRINT_CHARS)}`
}

/** Returns the last counter that was used, or -1. */
function counterOf(text: string | undefined): number {
  return text === undefined ? -1 : Number(text)
}
