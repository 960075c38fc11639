import type { Door, Options } from '../../config/config.ts'
import type { PacketNeeds } from '../../capture/needs.ts'
import type { Grant } from '../../door/grant.ts'
import type { Held } from '../../door/held.ts'
import { parseServices } from '../../door/part.ts'
import { FileError } from '../../file/file-error.ts'
import { PUBLIC, SECRET } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { WatchedFile } from '../../file/watched-file.ts'
import { LruMap } from '../../limit/lru-map.ts'
import { parseAddress, sameAddress } from '../../packet/address.ts'
import { UDP } from '../../packet/packet.ts'
import type { Packet } from '../../packet/packet.ts'
import type { DatedClaim } from '../../spa/noise/claim.ts'
import { KEY_FILE_MAX_BYTES, readKeyFile } from '../../spa/noise/key-text.ts'
import { MAC1_BYTES, POSTERN_PACKET_BYTES, isForServer, openClaim, serverKeyOf } from '../../spa/noise/packet.ts'
import type { ServerKey } from '../../spa/noise/packet.ts'
import { permit, stillPermits } from '../../spa/noise/permission.ts'
import { USERS_FILE_MAX_CHARS, readUsers, usersLeft } from '../../spa/noise/users.ts'
import type { User, Users } from '../../spa/noise/users.ts'
import { arrivalOf, arrivalText } from '../arrival.ts'
import type { Arrival } from '../arrival.ts'
import type { Authenticator, Claim, Redeemed, SecretStatus, Verdict } from '../authenticator.ts'
import type { PacketDeps } from '../deps.ts'
import { admits, servicesFor, shortest } from '../door-bounds.ts'
import { DoorFiles, firstAfter, watchedPath } from '../door-files.ts'
import type { Reading } from '../door-files.ts'
import { KnownSources } from '../known-sources.ts'
import { packetDoors } from '../packet-door.ts'
import type { PacketDoor } from '../packet-door.ts'
import { RareNotices, withoutDigits } from '../rare-notices.ts'
import { refusalOf, refusedMeanwhile } from '../refusal.ts'
import { lossRefusal } from '../since-loss.ts'
import type { WorkBudget } from '../work-budget.ts'

/** The most opened packets that are recognized when they come again. */
const SEEN_MAX = 16_384
const SECOND_MS = 1_000
const NEEDS: PacketNeeds = { datagrams: [{ first: POSTERN_PACKET_BYTES, last: POSTERN_PACKET_BYTES }], synPorts: [] }

/** A packet of Postern's own that a user's key opened. */
export interface NoiseProof {
  readonly publicKey: Uint8Array
  readonly request: DatedClaim
  /** The time of its arrival, in milliseconds since 1970. */
  readonly at: number
}

/** A user with a known key at a door. */
interface Holder {
  readonly door: PacketDoor
  readonly user: User
}

/** Authenticates Postern's own single packets. */
export class NoiseAuthenticator implements Authenticator<NoiseProof> {
  readonly #deps: PacketDeps<NoiseProof>
  readonly #notices: RareNotices
  readonly #work: WorkBudget
  readonly #known: KnownSources
  readonly #files: DoorFiles<Users>
  #server: ServerKey | undefined
  #serverFile: { readonly path: string; readonly file: WatchedFile<ServerKey> } | undefined
  /** The outer codes of packets that were opened. */
  readonly #seen = new LruMap<string, true>(SEEN_MAX)
  /** The users by the marks of their keys, for each state of a file. */
  readonly #marked = new WeakMap<Users, ReadonlyMap<string, User>>()

  /** @param work the limit on the time for packets */
  constructor(deps: PacketDeps<NoiseProof>, work: WorkBudget) {
    this.#deps = deps
    this.#work = work
    this.#notices = new RareNotices(deps)
    this.#known = new KnownSources('postern', deps.store, work)
    this.#files = new DoorFiles({
      content: 'users',
      read: readUsersFile,
      changed: ({ name }, users, before) => {
        for (const user of before ?? []) {
          if (users.find(user.publicKey) === undefined) deps.say('notice', `${name}: access of ${user.name} revoked`)
        }
        deps.holdersChanged()
      },
      count: ({ count }) => count,
      say: deps.say,
    })
  }

  get needs(): PacketNeeds | undefined {
    return this.#files.size > 0 ? NEEDS : undefined
  }

  sequences(): readonly [] {
    return []
  }

  replace(doors: readonly Door[], { spaKeyFile }: Pick<Options, 'spaKeyFile'>): void {
    const own = packetDoors(doors, ['postern'])
    this.#serverFile?.file.close()
    if (own.length > 0) this.#takeKey(spaKeyFile)
    this.#files.replace(own)
  }

  /** Lets a holder keep the door if the file has the key, within the limits of the key's line. */
  mayHold({ door, source, services, holder, user: named }: Held): Verdict {
    const users = this.#files.find(door)?.state
    if (users === undefined) return 'unknown'
    const user = holder === undefined ? [...users].find((each) => each.name === named) : this.#byMark(users).get(holder)
    if (user === undefined) return holder === undefined && named === undefined ? 'unknown' : 'may not'
    const ports = services === undefined ? undefined : parseServices(services)
    const address = parseAddress(source)!
    return stillPermits(user, { door, ports, address, now: Date.now() }) ? 'may' : 'may not'
  }

  nextExpiry(now: number): number {
    return firstAfter(
      now,
      [...this.#files].flatMap(({ state }) => [...(state ?? [])].map(({ options }) => options.expiresMs)),
    )
  }

  files(): readonly string[] {
    return [...(this.#files.size > 0 ? [this.#serverFile!.path] : []), ...this.#files.paths()]
  }

  status(door: string): SecretStatus {
    return this.#files.status(door)
  }

  close(): Promise<void> {
    this.#files.close()
    this.#serverFile?.file.close()
    return Promise.resolve()
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
    return this.#deps.marks.mark('postern', publicKey)
  }

  /** Loads and watches the server's key. If the file cannot be read, its last valid key stays. */
  #takeKey(path: string): void {
    const { say } = this.#deps
    if (this.#serverFile?.path !== path) this.#server = undefined
    const file = new WatchedFile<ServerKey>({
      ...watchedPath(path, say),
      before: this.#server,
      read: () => readServerKey(path),
      changed: (key) => {
        this.#server = key
      },
      failed: (error) => {
        const missing = error instanceof FileError && error.reason === 'missing'
        say('error', `${error.message}${missing ? '\npostern keygen server makes one' : ''}`)
      },
    })
    this.#serverFile = { path, file }
    file.refresh()
  }

  offer(packet: Packet, bytes: Uint8Array): boolean {
    const server = this.#server
    const { protocol, payloadStart, payloadEnd } = packet
    if (protocol !== UDP || payloadEnd - payloadStart !== POSTERN_PACKET_BYTES) return false
    const payload = bytes.subarray(payloadStart, payloadEnd)
    if (server === undefined || this.#files.size === 0 || !isForServer(server, payload)) return false
    const { explain } = this.#deps
    const arrival = arrivalOf(packet)
    const { source } = arrival
    // A copy of an opened packet costs no public-key work. Otherwise anyone could use up the time by replaying packets.
    const outer = Buffer.from(payload.buffer, payload.byteOffset, MAC1_BYTES).toString('latin1')
    if (this.#seen.has(outer)) {
      explain(source, undefined, 'single packet: a copy of an earlier one')
      return true
    }
    // Only senders who know the server's public key get here. Public-key work takes a tenth of a millisecond.
    const done = this.#work.run(source, 'itself', () => openClaim(server, payload, (key) => this.#holders(key)))
    if (done === undefined) {
      explain(source, undefined, 'too many single packets from there at the moment')
      return true
    }
    const opened = done.result
    if (!('mismatch' in opened)) this.#seen.set(outer, true)
    if ('mismatch' in opened) {
      explain(source, undefined, `single packet: ${opened.mismatch}`)
    } else if ('fault' in opened) {
      this.#say(opened.user[0]!.user, arrival, `a packet for another version: ${opened.fault}`)
    } else this.#judge(opened.user, opened.claim, arrival)
    return true
  }

  #holders(key: Uint8Array): readonly Holder[] | undefined {
    const holders = [...this.#files].flatMap(({ door, state }) => {
      const user = state?.find(key)
      return user === undefined ? [] : [{ door, user }]
    })
    return holders.length === 0 ? undefined : holders
  }

  #judge(holders: readonly Holder[], request: DatedClaim, arrival: Arrival): void {
    const { user } = holders[0]!
    const { publicKey } = user
    const { explain, ledger, claimed } = this.#deps
    if (!isNewer(request.timestamp, ledger.newest(newestKey(publicKey)))) {
      explain(arrival.source, undefined, `single packet of ${user.name}: a replay, or older than the last one`)
      return
    }
    const { wanted } = request
    const proof = { publicKey, request, at: Date.now() }
    let refusal = wanted.kind === 'door' ? `there is no door ${wanted.door} for this key` : 'no door opens these ports'
    for (const holder of holders) {
      const { door } = holder
      const claim = { ...arrival, door: door.name, proof }
      const granted = this.#grant(holder, claim)
      if (granted === undefined) continue
      if ('door' in granted) {
        claimed(claim)
        return
      }
      refusal = `${door.name}: ${granted.refusal}`
    }
    this.#say(user, arrival, refusal)
  }

  /** Returns what a user's line and the door grant. `undefined`: the packet asks for another door. */
  #grant(
    { door, user }: Holder,
    { source, protocol, port, proof: { request, at } }: Claim<NoiseProof>,
  ): Grant | { readonly refusal: string } | undefined {
    const { wanted } = request
    if (wanted.kind === 'door' && door.name !== wanted.door) return undefined
    const services = wanted.kind === 'ports' ? servicesFor(door, wanted.ports) : undefined
    if (wanted.kind === 'ports' && services === undefined) return undefined
    const permission = permit(user, request, { source, now: at, ageMaxMs: door.secret.maxAgeMs })
    if ('refusal' in permission) return permission
    const { address, openS, openMaxS } = permission
    if (!admits(door, [source, address])) return { refusal: 'the address is not in Allow_From' }
    const forgotten = lossRefusal(door, this.#deps.store, request.unixMs)
    if (forgotten !== undefined) return { refusal: forgotten }
    const ms = shortest(door.cmdTimeoutMs, openS * SECOND_MS, (openMaxS ?? 0) * SECOND_MS)
    const holder = this.#markOf(user)
    return { door, source: address, ms, services, user: user.name, holder, protocol, port }
  }

  async redeem(claim: Claim<NoiseProof>): Promise<Redeemed> {
    const { source, proof } = claim
    const { publicKey, request } = proof
    const refused = { door: claim.door, source: request.address ?? source }
    const { timestamp } = request
    const used = await this.#deps.ledger.advance(newestKey(publicKey), (present) =>
      isNewer(timestamp, present) ? timestamp : undefined,
    )
    const refusal = refusalOf(used, refused)
    if (refusal !== undefined) return refusal
    const file = this.#files.find(claim.door)
    if (file === undefined) return refusedMeanwhile(refused, 'the config has changed')
    const user = file.state?.find(publicKey)
    const granted = user === undefined ? undefined : this.#grant({ door: file.door, user }, claim)
    if (granted === undefined || 'refusal' in granted) return refusedMeanwhile(refused, 'access was revoked')
    if (sameAddress(granted.source, source)) this.#known.opened(source, 'yes')
    return granted
  }

  /** Logs a message about a known user. */
  #say({ name }: User, arrival: Arrival, what: string): void {
    const who = `single packet of ${name}`
    const subject = withoutDigits(`${name} ${what}`)
    this.#notices.say(arrival.source, `${who}, ${arrivalText(arrival)}: ${what}`, subject, `${who}: ${what}`)
  }
}

/** @throws FileError */
function readUsersFile({ secret }: PacketDoor): Reading<Users> {
  const text = readPrivateText(secret.path, USERS_FILE_MAX_CHARS, PUBLIC)
  const reading = readUsers(text)
  const { users, faults } = reading
  return { faults, state: () => users, left: (before) => usersLeft(before, text, reading) }
}

/** @throws FileError, or an Error with the fault of the key */
function readServerKey(path: string): ServerKey {
  const read = readKeyFile(readPrivateText(path, KEY_FILE_MAX_BYTES, SECRET), 'postern-server-secret')
  if ('message' in read) throw new Error(`${path}: ${read.message}\n${read.hint}`)
  return serverKeyOf(read.key)
}

/**
 * Returns the journal's key for the time of a user's newest packet. All doors share it, so that no packet works twice.
 */
function newestKey(publicKey: Uint8Array): string {
  return `spa\n${Buffer.from(publicKey).toString('base64url')}`
}

/** Returns true if a timestamp is newer. Timestamps sort like text. */
function isNewer(timestamp: string, present: string | undefined): boolean {
  return present === undefined || timestamp > present
}
