import type { Door } from '../../config/config.ts'
import { formatFault } from '../../text/fault.ts'
import { FileError } from '../../file/file-error.ts'
import { PUBLIC, SECRET } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { WatchedFile } from '../../file/watched-file.ts'
import { LogThrottle } from '../../limit/log-throttle.ts'
import { LruMap } from '../../limit/lru-map.ts'
import { formatAddress, parseAddress, sameAddress } from '../../packet/address.ts'
import type { DatedClaim } from '../../spa/noise/claim.ts'
import { KEY_FILE_MAX_BYTES, readKeyFile } from '../../spa/noise/key-text.ts'
import { MAC1_BYTES, POSTERN_PACKET_BYTES, isForServer, openClaim, serverKeyOf } from '../../spa/noise/packet.ts'
import type { ServerKey } from '../../spa/noise/packet.ts'
import { parseServices } from '../../door/part.ts'
import type { Held } from '../../door/held.ts'
import { permit, stillPermits } from '../../spa/noise/permission.ts'
import { USERS_FILE_MAX_CHARS, Users, readUsers, usersLeft } from '../../spa/noise/users.ts'
import type { User } from '../../spa/noise/users.ts'
import type { HolderJudge, Verdict } from '../verdict.ts'
import { admits, arrivalText, servicesFor, shortest } from './granted.ts'
import type { Arrival, Granted, JudgeTerms } from './granted.ts'
import { KnownSources } from './known-sources.ts'
import { lossRefusal } from './since-loss.ts'
import type { WorkBudget } from './work-budget.ts'

/** The most opened packets that are recognized when they come again. */
const SEEN_MAX = 16_384
/** The most errors of a file that are logged. */
const FAULTS_SAID_MAX = 5
const SECOND_MS = 1_000

/** A door that Postern's own packets open, and its users. */
interface PosternDoor {
  readonly door: Door
  readonly path: string
  users: Users
  readonly file: WatchedFile<Users>
}

/** A user with a known key at a door. */
interface Holder {
  readonly door: Door
  readonly user: User
}

/** Handles Postern's own single packets. */
export class Posterns implements HolderJudge {
  readonly #of: JudgeTerms
  readonly #seldom = new LogThrottle()
  readonly #work: WorkBudget
  readonly #known: KnownSources
  #doors: readonly PosternDoor[] = []
  #server: ServerKey | undefined
  /** The outer codes of packets that were opened. */
  readonly #seen = new LruMap<string, true>(SEEN_MAX)
  #keyFile: { readonly path: string; readonly file: WatchedFile<ServerKey> } | undefined
  /** The users by the marks of their keys, for each state of a file. */
  readonly #marked = new WeakMap<Users, ReadonlyMap<string, User>>()

  /** @param work the limit on the time for packets */
  constructor(of: JudgeTerms, work: WorkBudget) {
    this.#of = of
    this.#work = work
    this.#known = new KnownSources('postern', of.store, work)
  }

  /** Returns true if a door needs packets of this kind. */
  get wanted(): boolean {
    return this.#doors.length > 0
  }

  /** Returns the number of a door's users, or `undefined` if the door is not of this kind. */
  users(name: string): number | undefined {
    return this.#doors.find(({ door }) => door.name === name)?.users.count
  }

  /** Applies a set of doors, and reads their files and the server's key. */
  replace(doors: readonly Door[], keyFile: string): void {
    const before = this.#doors
    this.close()
    this.#doors = doors.flatMap((door) => {
      const { secret } = door
      if (secret.kind !== 'spa' || secret.protocol !== 'postern') return []
      const known = before.find((each) => each.path === secret.path)?.file.state
      const file = this.#watchUsers(door, secret.path, known)
      return [{ door, path: secret.path, users: known ?? new Users(), file }]
    })
    if (this.#doors.length > 0) this.#takeKey(keyFile)
    this.refresh()
  }

  /** Reads the users' files again. A file with an error adds no users, but removed users lose access. */
  refresh(): void {
    for (const { file } of this.#doors) file.refresh()
  }

  /** Lets a holder keep the door if the file has the key, within the limits of the key's line. */
  mayHold({ door: name, source, services, holder, user: named }: Held): Verdict {
    const users = this.#doors.find(({ door }) => door.name === name)?.file.state
    if (users === undefined) return 'unknown'
    const user = holder === undefined ? [...users].find((each) => each.name === named) : this.#byMark(users).get(holder)
    if (user === undefined) return holder === undefined && named === undefined ? 'unknown' : 'may not'
    const ports = services === undefined ? undefined : parseServices(services)
    const address = parseAddress(source)!
    return stillPermits(user, { door: name, ports, address, now: Date.now() }) ? 'may' : 'may not'
  }

  /** Returns when the next key expires, in milliseconds since 1970. */
  nextExpiry(now: number): number {
    let next = Infinity
    for (const { users } of this.#doors) {
      for (const { options } of users) {
        if (options.expiresMs !== undefined && options.expiresMs > now) next = Math.min(next, options.expiresMs)
      }
    }
    return next
  }

  /** Stops watching the files. */
  close(): void {
    for (const { file } of this.#doors) file.close()
    this.#keyFile?.file.close()
  }

  #byMark(users: Users): ReadonlyMap<string, User> {
    let marked = this.#marked.get(users)
    if (marked === undefined) {
      marked = new Map([...users].map((user) => [this.#markOf(user), user]))
      this.#marked.set(users, marked)
    }
    return marked
  }

  #markOf({ publicKey }: User): string {
    return this.#of.marks.mark('postern', publicKey)
  }

  #watchUsers(door: Door, path: string, before: Users | undefined): WatchedFile<Users> {
    const { say, holdersChanged } = this.#of
    const file: WatchedFile<Users> = new WatchedFile<Users>({
      path,
      before,
      read: () => this.#readUsers(door, path, file.state),
      changed: (users) => {
        const of = this.#doors.find((each) => each.file === file)
        if (of === undefined) return
        for (const user of of.users) {
          if (users.find(user.publicKey) === undefined) say('notice', `${door.name}: access of ${user.name} revoked`)
        }
        of.users = users
        holdersChanged()
      },
      failed: (error, kept) => {
        const stays = kept ? 'keeping the previous users' : 'opens to nobody'
        say('error', `${door.name}: ${stays}: ${error.message}`)
      },
      unwatched: (error) => say('warning', `${path} is not watched: ${error.message}`),
    })
    return file
  }

  /** Loads and watches the server's key. If the file cannot be read, its last valid key stays. */
  #takeKey(path: string): void {
    const same = this.#keyFile?.path === path
    if (!same) this.#server = undefined
    const file = new WatchedFile<ServerKey>({
      path,
      before: this.#server,
      read: () => readServerKey(path),
      changed: (key) => {
        this.#server = key
      },
      failed: (error) => {
        const missing = error instanceof FileError && error.reason === 'missing'
        this.#of.say('error', `${error.message}${missing ? '\npostern keygen server makes one' : ''}`)
      },
      unwatched: (error) => this.#of.say('warning', `${path} is not watched: ${error.message}`),
    })
    this.#keyFile = { path, file }
    file.refresh()
  }

  /** Handles a datagram. Returns false if it is not a Postern packet. */
  take(payload: Uint8Array, arrival: Arrival): boolean {
    const server = this.#server
    if (server === undefined || payload.length !== POSTERN_PACKET_BYTES || !isForServer(server, payload)) return false
    const { explain } = this.#of
    // A copy of an opened packet costs no public-key work. Otherwise anyone could use up the time by replaying packets.
    const outer = Buffer.from(payload.buffer, payload.byteOffset, MAC1_BYTES).toString('latin1')
    if (this.#seen.has(outer)) {
      explain(arrival.source, undefined, 'single packet: a copy of an earlier one')
      return true
    }
    // Only senders who know the server's public key get here. Public-key work takes a tenth of a millisecond.
    const done = this.#work.run(arrival.source, 'itself', () => openClaim(server, payload, (key) => this.#holders(key)))
    if (done === undefined) {
      explain(arrival.source, undefined, 'too many single packets from there at the moment')
      return true
    }
    const opened = done.result
    if (!('mismatch' in opened)) this.#seen.set(outer, true)
    if ('mismatch' in opened) {
      explain(arrival.source, undefined, `single packet: ${opened.mismatch}`)
    } else if ('fault' in opened) {
      const [{ user }] = opened.user as [Holder]
      this.#tell(user, arrival, `a packet for another version: ${opened.fault}`)
    } else this.#judge(opened.user, opened.claim, arrival)
    return true
  }

  #holders(key: Uint8Array): readonly Holder[] | undefined {
    const holders = this.#doors.flatMap(({ door, users }) => {
      const user = users.find(key)
      return user === undefined ? [] : [{ door, user }]
    })
    return holders.length === 0 ? undefined : holders
  }

  #judge(holders: readonly Holder[], claim: DatedClaim, arrival: Arrival): void {
    const { user } = holders[0]!
    const { explain } = this.#of
    const key = newestKey(user)
    if (!isNewer(claim.timestamp, this.#of.store.newest(key))) {
      explain(arrival.source, undefined, `single packet of ${user.name}: a replay, or older than the last one`)
      return
    }
    const { wanted } = claim
    let refusal = wanted.kind === 'door' ? `there is no door ${wanted.door} for this key` : 'no door opens these ports'
    for (const holder of holders) {
      if (wanted.kind === 'door' && holder.door.name !== wanted.door) continue
      const services = wanted.kind === 'ports' ? servicesFor(holder.door, wanted.ports) : undefined
      if (wanted.kind === 'ports' && services === undefined) continue
      const granted = this.#grant(holder, claim, arrival, services)
      if ('door' in granted) {
        void this.#open(key, claim.timestamp, granted, arrival)
        return
      }
      refusal = `${holder.door.name}: ${granted.refusal}`
    }
    this.#tell(user, arrival, refusal)
  }

  #grant(
    { door, user }: Holder,
    claim: DatedClaim,
    arrival: Arrival,
    services: Granted['services'],
  ): Granted | { readonly refusal: string } {
    const ageMaxMs = door.secret.kind === 'spa' ? door.secret.maxAgeMs : undefined
    const permission = permit(user, claim, { source: arrival.source, now: Date.now(), ageMaxMs })
    if ('refusal' in permission) return permission
    const { address, openS, openMaxS } = permission
    if (!admits(door, [arrival.source, address])) return { refusal: 'the address is not in Allow_From' }
    const forgotten = lossRefusal(door, this.#of.store, claim.unixMs)
    if (forgotten !== undefined) return { refusal: forgotten }
    const ms = shortest(door.cmdTimeoutMs, openS * SECOND_MS, (openMaxS ?? 0) * SECOND_MS)
    const { protocol, port } = arrival
    const holder = this.#markOf(user)
    return { door, source: address, ms, services, user: user.name, holder, protocol, port }
  }

  async #open(key: string, timestamp: string, granted: Granted, arrival: Arrival): Promise<void> {
    const { store, say, open } = this.#of
    try {
      if (!(await store.advance(key, timestamp, (present) => isNewer(timestamp, present)))) return
      if (sameAddress(granted.source, arrival.source)) this.#known.opened(arrival.source, 'yes')
      open(granted)
    } catch (error) {
      const { door, source } = granted
      say('error', `${formatAddress(source)}: ${door.name}: stays shut: ${(error as Error).message}`)
    }
  }

  /** Logs a message about a known user. It is logged rarely, because packets can be replayed. */
  #tell(user: User, arrival: Arrival, what: string): void {
    if (this.#seldom.due(`${user.name} ${what.replaceAll(/[0-9]+/g, '0')}`, performance.now())) {
      this.#of.say('notice', `single packet of ${user.name}, ${arrivalText(arrival)}: ${what}`)
    } else this.#of.explain(arrival.source, undefined, `single packet of ${user.name}: ${what}`)
  }

  #readUsers(door: Door, path: string, before: Users | undefined): Users {
    const text = readPrivateText(path, USERS_FILE_MAX_CHARS, PUBLIC)
    const reading = readUsers(text)
    const { users, faults } = reading
    if (faults.length === 0) return users
    const told = faults.slice(0, FAULTS_SAID_MAX).map((fault) => formatFault(path, fault))
    if (!faults.some(({ severity }) => severity === 'error')) {
      this.#of.say('warning', told.join('\n'))
      return users
    }
    if (before === undefined) throw new Error(told.join('\n'))
    this.#of.say('error', [...told, `${door.name}: keeping the previous users`].join('\n'))
    return usersLeft(before, text, reading)
  }
}

/** @throws FileError, or an Error with the fault of the key */
function readServerKey(path: string): ServerKey {
  const read = readKeyFile(readPrivateText(path, KEY_FILE_MAX_BYTES, SECRET), 'postern-server-secret')
  if ('message' in read) throw new Error(`${path}: ${read.message}\n${read.hint}`)
  return serverKeyOf(read.value)
}

/**
 * Returns the journal's key for the time of a user's newest packet. All doors share it, so that no packet works twice.
 */
function newestKey({ publicKey }: User): string {
  return `spa\n${Buffer.from(publicKey).toString('base64url')}`
}

/** Returns true if a timestamp is newer. Timestamps sort like text. */
function isNewer(timestamp: string, present: string | undefined): boolean {
  return present === undefined || timestamp > present
}
