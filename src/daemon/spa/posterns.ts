import { statSync } from 'node:fs'
import type { Door } from '../../config/config.ts'
import { formatFault } from '../../config/fault.ts'
import { LogThrottle } from '../../limit/log-throttle.ts'
import { LruMap } from '../../limit/lru-map.ts'
import { formatAddress, sameAddress } from '../../packet/address.ts'
import type { DatedClaim } from '../../spa/noise/claim.ts'
import { KEY_FILE_MAX_BYTES, readKeyFile } from '../../spa/noise/key-text.ts'
import { MAC1_BYTES, POSTERN_PACKET_BYTES, isForServer, openClaim, serverKeyOf } from '../../spa/noise/packet.ts'
import type { ServerKey } from '../../spa/noise/packet.ts'
import { permit } from '../../spa/noise/permission.ts'
import { USERS_FILE_MAX_CHARS, Users, readUsers } from '../../spa/noise/users.ts'
import type { User } from '../../spa/noise/users.ts'
import { readSecretFile } from '../secret-file.ts'
import { admits, arrivalText, servicesFor, shortest } from './granted.ts'
import type { Arrival, Granted, JudgeTerms } from './granted.ts'
import { KnownSources } from './known-sources.ts'
import { lossRefusal } from './since-loss.ts'
import type { WorkBudget } from './work-budget.ts'

/** How many packets that were opened are known again. */
const SEEN_MAX = 16_384
/** How many faults of a file are told. */
const FAULTS_SAID_MAX = 5
/** Permission bits that let others at a secret. */
const OTHERS = 0o077
const SECOND_MS = 1_000

/** A door that opens to packets of our own, and who may send them. */
interface PosternDoor {
  door: Door
  readonly path: string
  users: Users
}

/** Somebody whose key is known at a door. */
interface Holder {
  readonly door: Door
  readonly user: User
}

/** Takes Postern's own single packets. */
export class Posterns {
  readonly #of: JudgeTerms
  readonly #seldom = new LogThrottle()
  readonly #work: WorkBudget
  readonly #known: KnownSources
  #doors: readonly PosternDoor[] = []
  #server: ServerKey | undefined
  /** Outer codes of packets that were opened. */
  readonly #seen = new LruMap<string, true>(SEEN_MAX)

  /** @param work the time that packets may take */
  constructor(of: JudgeTerms, work: WorkBudget) {
    this.#of = of
    this.#work = work
    this.#known = new KnownSources('postern', of.store, work)
  }

  /** Whether packets of this kind are waited for. */
  get wanted(): boolean {
    return this.#doors.length > 0
  }

  /** How many users a door has; `undefined`: it is none of these. */
  users(name: string): number | undefined {
    return this.#doors.find(({ door }) => door.name === name)?.users.count
  }

  /** Puts doors in force, and reads their files and the server's key. */
  replace(doors: readonly Door[], keyFile: string): void {
    const before = this.#doors
    this.#doors = doors.flatMap((door) => {
      const { secret } = door
      if (secret.kind !== 'spa' || secret.protocol !== 'postern') return []
      const known = before.find((each) => each.path === secret.path)
      return [{ door, path: secret.path, users: known?.users ?? new Users() }]
    })
    if (this.#doors.length > 0) this.#server = this.#readKey(keyFile)
    this.refresh()
  }

  /** Reads the files of users again. One with an error changes nothing. */
  refresh(): void {
    for (const each of this.#doors) {
      const users = this.#readUsers(each)
      if (users === undefined) continue
      const before = each.users
      each.users = users
      for (const user of before) {
        if (users.find(user.publicKey) !== undefined) continue
        this.#of.say('notice', `${each.door.name}: ${user.name} opens it no more`)
        this.#of.revoked(each.door.name, user.name)
      }
    }
  }

  /** The files that say who may send packets. */
  get files(): readonly string[] {
    return [...new Set(this.#doors.map(({ path }) => path))]
  }

  /** Takes a datagram. False: it is none of ours. */
  take(payload: Uint8Array, arrival: Arrival): boolean {
    const server = this.#server
    if (server === undefined || payload.length !== POSTERN_PACKET_BYTES || !isForServer(server, payload)) return false
    const { explain } = this.#of
    // A copy of a packet that was opened costs no public-key work again, or whoever plays it back would use that up.
    const outer = Buffer.from(payload.buffer, payload.byteOffset, MAC1_BYTES).toString('latin1')
    if (this.#seen.has(outer)) {
      explain(arrival.source, undefined, 'single packet: a copy of one that came before')
      return true
    }
    // Only who knows the server's public key gets here. Public-key work takes a tenth of a millisecond.
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
      this.#tell(user, arrival, `a packet that is understood by another version: ${opened.fault}`)
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
      explain(arrival.source, undefined, `single packet of ${user.name}: it came before, or a newer one did`)
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
    return { door, source: address, ms, services, user: user.name, protocol, port }
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

  /** Tells of somebody whose key is known what is no stranger's matter; seldom, as packets can be played back. */
  #tell(user: User, arrival: Arrival, what: string): void {
    if (this.#seldom.due(`${user.name} ${what.replaceAll(/[0-9]+/g, '0')}`, performance.now())) {
      this.#of.say('notice', `single packet of ${user.name}, ${arrivalText(arrival)}: ${what}`)
    } else this.#of.explain(arrival.source, undefined, `single packet of ${user.name}: ${what}`)
  }

  #readKey(path: string): ServerKey | undefined {
    try {
      if ((statSync(path).mode & OTHERS) !== 0) throw new Error(`others can read it\nchmod 600 ${path}`)
      const read = readKeyFile(readSecretFile(path, KEY_FILE_MAX_BYTES), 'postern-server-secret')
      if ('message' in read) throw new Error(`${read.message}\n${read.hint}`)
      return serverKeyOf(read.key)
    } catch (error) {
      const hint = (error as NodeJS.ErrnoException).code === 'ENOENT' ? '\npostern keygen server makes one' : ''
      this.#of.say('error', `${path}: ${(error as Error).message}${hint}`)
      return undefined
    }
  }

  #readUsers({ door, path }: PosternDoor): Users | undefined {
    try {
      const { users, faults } = readUsers(readSecretFile(path, USERS_FILE_MAX_CHARS))
      if (faults.length === 0) return users
      const told = faults.slice(0, FAULTS_SAID_MAX).map((fault) => formatFault(path, fault))
      const failed = faults.some(({ severity }) => severity === 'error')
      if (failed) told.push(`${door.name}: goes on with the users it knew`)
      this.#of.say(failed ? 'error' : 'warning', told.join('\n'))
      return failed ? undefined : users
    } catch (error) {
      this.#of.say('error', `${door.name}: goes on with the users it knew: ${path}: ${(error as Error).message}`)
      return undefined
    }
  }
}

/** Under which the journal keeps the time of a key's newest packet: at whichever door, so that none is good at another. */
function newestKey({ publicKey }: User): string {
  return `spa\n${Buffer.from(publicKey).toString('base64url')}`
}

/** Labels of time are in order as text is. */
function isNewer(timestamp: string, present: string | undefined): boolean {
  return present === undefined || timestamp > present
}
