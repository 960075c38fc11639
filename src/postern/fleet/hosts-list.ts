import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../../cli/fault.ts'
import type { Etcd, Op } from '../../etcd/client.ts'
import { HOSTS_MAX, readHosts } from '../../fleet/hosts.ts'
import type { FleetHost, HostsDocument } from '../../fleet/hosts.ts'
import type { Keyspace } from '../../fleet/keyspace.ts'
import type { OperatorSettings } from '../../fleet/settings.ts'
import { SIGNED_MAX_CHARS, openSigned, signText } from '../../fleet/signed.ts'
import type { Signer } from '../../fleet/signed.ts'
import { highestHostsVersion } from './push/hosts-taken.ts'

/** The file with the newest list of hosts that this folder knows. */
const KEPT = 'hosts.signed'
const OWNER_ONLY = 0o600
/** Attempts of a change that other operators overtake. */
const ROUNDS_MAX = 5

/** The list of hosts as it is in etcd. */
export interface ListedHosts {
  /** `undefined`: nobody has signed one yet. */
  readonly document: HostsDocument | undefined
  /** The revision of its last change in etcd; `undefined`: it is not there. */
  readonly modRevision: string | undefined
  /** The reason why the copy of the operator's folder is taken in place of that in etcd. */
  readonly doubt: string | undefined
}

/**
 * The list of hosts, which operators sign. The operator's folder keeps the newest one that it has seen: anyone who can
 * write to etcd could put an older one back, and so bring a removed host back with the next change.
 */
export class HostsList {
  readonly #etcd: Pick<Etcd, 'get' | 'list' | 'txn'>
  readonly #keyspace: Keyspace
  readonly #place: string
  readonly #settings: OperatorSettings
  readonly #kept: string | undefined

  /** @param folder the operator's folder; `undefined`: nothing is kept */
  constructor(
    etcd: Pick<Etcd, 'get' | 'list' | 'txn'>,
    keyspace: Keyspace,
    settings: OperatorSettings,
    folder: string | undefined,
  ) {
    this.#etcd = etcd
    this.#keyspace = keyspace
    this.#place = keyspace.document('hosts')
    this.#settings = settings
    this.#kept = folder === undefined ? undefined : join(folder, KEPT)
  }

  /** Reads the list. @throws EtcdUnavailable, or Failure if nothing that an operator signed is there */
  async read(): Promise<ListedHosts> {
    const found = await this.#etcd.get(this.#place)
    const keptText = this.#kept !== undefined && existsSync(this.#kept) ? readFileSync(this.#kept, 'utf8') : undefined
    const kept = keptText === undefined ? undefined : this.#openKept(keptText)
    if (found === undefined) {
      const doubt = kept === undefined ? undefined : 'the list of hosts is gone from etcd'
      return { document: kept, modRevision: undefined, doubt }
    }
    const { modRevision, value } = found
    let document: HostsDocument
    try {
      document = this.#open(value)
    } catch (error) {
      if (kept === undefined) throw new Failure(`the list of hosts in etcd: ${(error as Error).message}`)
      return { document: kept, modRevision, doubt: `the list of hosts in etcd is forged: ${(error as Error).message}` }
    }
    if (kept !== undefined && kept.version > document.version) {
      const doubt = `the list of hosts in etcd has version ${document.version}, but there was a version ${kept.version}`
      return { document: kept, modRevision, doubt }
    }
    if (value !== keptText) this.#keep(value)
    return { document, modRevision, doubt: undefined }
  }

  /**
   * Signs the next version, with other steps in the same transaction.
   *
   * @param change makes the new hosts of the present ones
   * @param also returns the other steps for the document that is signed
   * @throws EtcdUnavailable, or Failure if others change the list all the time
   */
  async change(
    change: (hosts: readonly FleetHost[]) => readonly FleetHost[],
    signer: Signer,
    also: (next: HostsDocument) => readonly Op[] = () => [],
  ): Promise<HostsDocument> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      // oxlint-disable-next-line no-await-in-loop -- one after another
      const { document, modRevision } = await this.read()
      // An etcd that was emptied does not know the newest version, and hosts refuse an older one.
      // oxlint-disable-next-line no-await-in-loop -- one after another
      const said = await highestHostsVersion({ etcd: this.#etcd, keyspace: this.#keyspace }, document?.hosts ?? [])
      const next: HostsDocument = {
        version: Math.max(document?.version ?? 0, said) + 1,
        hosts: change(document?.hosts ?? []),
      }
      const value = signText(this.#place, next, signer)
      if (readHosts(next) === undefined || value.length > SIGNED_MAX_CHARS) {
        throw new Failure('the list of hosts would be too long', `at most ${HOSTS_MAX} hosts, with fewer groups`)
      }
      const key = this.#place
      const same = modRevision === undefined ? { key, version: 0 as const } : { key, modRevision }
      // oxlint-disable-next-line no-await-in-loop -- one after another
      const { won, kvs } = await this.#etcd.txn([same], [{ put: key, value }, ...also(next)], [{ get: key }])
      // After a lost answer, the transaction may have been carried out by the attempt before.
      if (won || kvs[0]?.[0]?.value === value) {
        this.#keep(value)
        return next
      }
    }
    throw new Failure('the list of hosts is changed by others all the time', 'try again')
  }

  /** @throws Failure */
  #openKept(text: string): HostsDocument {
    try {
      return this.#open(text)
    } catch (error) {
      throw new Failure(
        `${this.#kept}: ${(error as Error).message}`,
        'if the list in etcd is the newest one (postern fleet hosts on a host), move this file away',
        error,
      )
    }
  }

  /** @throws SignatureError, or Failure */
  #open(text: string): HostsDocument {
    const { operators } = this.#settings
    const { body } = openSigned(this.#place, text, (name) => operators.find((each) => each.name === name)?.key)
    const document = readHosts(body)
    if (document === undefined) throw new Failure('its content cannot be read')
    return document
  }

  #keep(text: string): void {
    if (this.#kept === undefined) return
    writeFileSync(`${this.#kept}.new`, text, { mode: OWNER_ONLY })
    renameSync(`${this.#kept}.new`, this.#kept)
  }
}
