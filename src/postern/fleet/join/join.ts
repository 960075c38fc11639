import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import type { KeyPairKeyObjectResult } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join as joinPath } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { CONFIG_DEFAULT } from '../../../cli/option.ts'
import { DONE } from '../../../cli/exit-code.ts'
import { Failure, faultText } from '../../../cli/fault.ts'
import type { Output } from '../../../cli/output.ts'
import type { EtcdAccess } from '../../../etcd/access.ts'
import { Etcd, EtcdUnavailable } from '../../../etcd/client.ts'
import { cannot } from '../../../file/file-error.ts'
import { ownerOfSecrets } from '../../../file/owner.ts'
import type { FileOwner } from '../../../file/owner.ts'
import { publicKeyText } from '../../../fleet/hosts.ts'
import { authenticated, exported, fingerprint, openAnswer, readToken } from '../../../fleet/invitation.ts'
import type { Accepted, Invitation, JoinRequest } from '../../../fleet/invitation.ts'
import { Keyspace } from '../../../fleet/keyspace.ts'
import { FLEET_CONF } from '../../../fleet/operator.ts'
import { readSettings } from '../../../fleet/settings.ts'
import { ownerForDaemon } from '../../keygen/owner.ts'
import type { JoinArguments } from '../arguments.ts'
import { PUBLIC_PEM, newKey } from '../authority.ts'
import { fleetFailed, unanswered } from '../unanswered.ts'
import { earlierState } from './earlier-state.ts'
import { checkFree, writeFolder } from './host-files.ts'
import { DONE_MARK, WAITING } from './steps.ts'
import { readTokenText } from './token-input.ts'

/** Milliseconds between two looks for the answer, and until it has to be there. */
const LOOK_MS = 300
const ANSWER_MAX_MS = 60_000
/** Milliseconds until the new certificate is accepted: a node's clock may be a little behind. */
const ACCEPTED_MAX_MS = 15_000
/** Seconds for which a second use of a token is remembered: a week. */
const SECOND_USE_S = 604_800
const MARK_BYTES = 16

/** The keys of a host that joins: they are made here, and only their public halves leave it. */
interface HostKeys {
  readonly sign: KeyPairKeyObjectResult
  readonly exchange: KeyPairKeyObjectResult
  /** PEM: the key of the TLS certificate, and the certificate if there is one already. */
  readonly tls: string
  readonly cert: string | undefined
}

/** Runs `postern fleet join`, and returns the exit code. */
export async function join(asked: JoinArguments, output: Output): Promise<number> {
  try {
    checkFree(asked.folder)
    const invitation = readToken(await readTokenText(asked.token))
    if ('message' in invitation)
      throw new Failure(invitation.message, 'an operator makes one: postern fleet invite HOST')
    const owner = ownerForDaemon(asked.config) ?? ownerOfSecrets({ user: undefined })
    const keys = makeKeys(asked)
    const accepted = await ask(invitation, keys)
    const files = filesOf(invitation, keys, accepted)
    const conf = joinPath(asked.folder, FLEET_CONF)
    const settings = readSettings(files[FLEET_CONF] ?? '', conf)
    writeFolder(asked.folder, files, owner)
    const doubt = await confirm(invitation, accessOf(invitation, keys, accepted))
    output.out(joinedText(invitation, keys, conf, owner))
    for (const each of [doubt, earlierState(settings)]) {
      if (each !== undefined) output.err(faultText('postern', each.reason, each.hint))
    }
    return DONE
  } catch (error) {
    return fleetFailed(error, output)
  }
}

/** @throws Failure if a file of the host's own certificate cannot be read */
function makeKeys({ cert, key }: JoinArguments): HostKeys {
  return {
    sign: generateKeyPairSync('ed25519'),
    exchange: generateKeyPairSync('x25519'),
    tls: key === undefined ? newKey() : read(key),
    cert: cert === undefined ? undefined : read(cert),
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Failure(cannot(`read ${path}`, error).message)
  }
}

/** Uses the token, and waits for the operator's answer. @throws Failure or EtcdUnavailable */
async function ask(invitation: Invitation, keys: HostKeys): Promise<Accepted> {
  const etcd = connect(invitation, keys)
  try {
    const names = new Keyspace(invitation.fleet)
    await claim(etcd, names, invitation, keys)
    const place = names.invitation(invitation.id, 'operator')
    for (let waited = 0; waited < ANSWER_MAX_MS; waited += LOOK_MS) {
      const found = await etcd.get(place)
      if (found === undefined) throw new Failure('the operator has withdrawn the token', 'ask for another one')
      if (found.value !== WAITING) return acceptedIn(invitation, found.value, keys)
      await pause(LOOK_MS)
    }
    throw new Failure(
      'the operator does not answer',
      'ask for another token; postern fleet invite has to go on until then',
    )
  } catch (error) {
    throw inWords(invitation, error)
  } finally {
    etcd.close()
  }
}

function connect({ endpoints, ca, client, login }: Invitation, { cert, tls }: HostKeys): Etcd {
  const own = cert === undefined ? client : { cert, key: tls }
  if (own === undefined) {
    throw new Failure('the fleet has its own authority: this host needs its certificate', '--cert FILE --key FILE')
  }
  return new Etcd({ endpoints, ca, ...own, ...(login === undefined ? {} : { login }) })
}

/** Uses the token up, with the request, in one transaction. @throws Failure if it cannot be used */
async function claim(etcd: Etcd, names: Keyspace, invitation: Invitation, keys: HostKeys): Promise<void> {
  const place = (from: 'host' | 'operator' | 'used'): string => names.invitation(invitation.id, from)
  const operator = await etcd.get(place('operator'))
  const used = await etcd.get(place('used'))
  const mark = randomBytes(MARK_BYTES).toString('hex')
  if (used === undefined && operator !== undefined) {
    const request: JoinRequest = {
      sign: publicKeyText(keys.sign.publicKey),
      ...(keys.cert === undefined ? { tls: createPublicKey(keys.tls).export(PUBLIC_PEM).toString() } : {}),
      dh: exported(keys.exchange.publicKey),
      at: Date.now(),
    }
    const { lease } = operator
    const { won, kvs } = await etcd.txn(
      [
        { key: place('used'), version: 0 },
        { key: place('operator'), exists: true },
      ],
      [
        { put: place('used'), value: mark, lease },
        { put: place('host'), value: authenticated(invitation, request), lease },
      ],
      [{ get: place('used') }],
    )
    // After a lost answer, the attempt before has used it for this host.
    const winner = kvs[0]?.[0]?.value
    if (won || winner === mark) return
    if (winner === undefined) throw expired()
  } else if (used === undefined) throw expired()
  await sayUsed(etcd, names, invitation)
  throw new Failure(
    'the token was used already: another host has joined with it',
    `if that was not you, tell the operator: postern fleet remove ${invitation.host}`,
  )
}

/** Leaves a note for the operator. */
async function sayUsed(etcd: Etcd, names: Keyspace, invitation: Invitation): Promise<void> {
  const note = authenticated(invitation, { at: Date.now(), from: hostname() })
  try {
    await etcd.put(names.secondUse(invitation.host), note, await etcd.grant(SECOND_USE_S))
  } catch {
    // The refusal counts.
  }
}

function acceptedIn(invitation: Invitation, text: string, { exchange, cert }: HostKeys): Accepted {
  const answer = openAnswer(invitation, text, exchange)
  if (answer === undefined) {
    throw new Failure(
      'the answer is not from the operator who made the token',
      'somebody else can write to etcd: tell the operator',
    )
  }
  if ('refused' in answer)
    throw new Failure(
      `the operator refuses this host: ${answer.refused}`,
      'timedatectl set-ntp true, then ask for another token',
    )
  if (answer.cert !== undefined || cert !== undefined) return answer
  throw new Failure('the operator sent no certificate', 'bring your own: --cert FILE --key FILE')
}

function filesOf(invitation: Invitation, keys: HostKeys, accepted: Accepted): Readonly<Record<string, string>> {
  const { endpoints, operators, ca, cert = keys.cert, fleetKey, least, login } = accepted
  const lines = [
    `# This host's place in the fleet ${invitation.fleet}: fleet.conf(5).`,
    `Fleet = ${invitation.fleet}`,
    `Host = ${invitation.host}`,
    ...endpoints.map((endpoint) => `Etcd = ${endpoint}`),
    ...operators.map(({ name, key }) => `Operator = ${name} ${key}`),
    ...(login === undefined ? [] : ['Login_File = login']),
    '# Older lists, such as somebody could put into etcd again, are refused.',
    `Least_Hosts_Version = ${least.hosts}`,
    `Least_Users_Version = ${least.users}`,
  ]
  return {
    'ca.crt': ca,
    'host.crt': cert ?? '',
    'host.key': keys.tls,
    'sign.key': keys.sign.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    'fleet.key': `${fleetKey}\n`,
    ...(login === undefined ? {} : { login: `${login.name}:${login.password}\n` }),
    [FLEET_CONF]: `${lines.join('\n')}\n`,
  }
}

function accessOf({ login }: Invitation, { tls, cert }: HostKeys, accepted: Accepted): EtcdAccess {
  const { endpoints, ca } = accepted
  const own = { endpoints, ca, cert: accepted.cert ?? cert ?? '', key: tls }
  return login === undefined ? own : { ...own, login }
}

/** Tells the operator, with the new certificate, that the files are there. Returns what is wrong with it, if anything. */
async function confirm(
  invitation: Invitation,
  access: EtcdAccess,
): Promise<{ readonly reason: string; readonly hint: string | undefined } | undefined> {
  const place = new Keyspace(invitation.fleet).invitation(invitation.id, 'host')
  for (let waited = 0; ; waited += LOOK_MS) {
    const etcd = new Etcd(access)
    try {
      const { lease } = (await etcd.get(place)) ?? {}
      if (lease !== undefined) await etcd.put(place, authenticated(invitation, DONE_MARK), lease)
      return undefined
    } catch (error) {
      const { reason, hint } = error as EtcdUnavailable
      if (waited >= ACCEPTED_MAX_MS)
        return { reason: `this host has joined, but cannot use its certificate: ${reason}`, hint }
      await pause(LOOK_MS)
    } finally {
      etcd.close()
    }
  }
}

function expired(): Failure {
  return new Failure(
    'the token has expired, or was withdrawn',
    'ask the operator for another one: postern fleet invite HOST',
  )
}

/** Says what the faults of a connection mean for a token. */
function inWords({ until }: Invitation, error: unknown): unknown {
  if (!(error instanceof EtcdUnavailable)) return error
  if (error.kind === 'lease') return expired()
  if (error.kind === 'client-certificate') {
    if (until <= Date.now()) return expired()
    return new Failure(
      'etcd refuses the certificate of the token, which is valid by the clock of this host',
      'the clocks of this host, of the operator and of the nodes may differ: timedatectl set-ntp true',
      error,
    )
  }
  if (error.kind !== 'server-certificate') return unanswered(error)
  const hint = /not yet valid|expired/i.test(error.reason)
    ? 'the clock of this host may be off: timedatectl set-ntp true'
    : 'the token is of another fleet, or something else answers at these addresses'
  return new Failure(error.reason, hint, error)
}

function joinedText(invitation: Invitation, { sign }: HostKeys, conf: string, { text }: FileOwner): string {
  return `this host is ${invitation.host} of the fleet ${invitation.fleet}; its files (${text}): ${conf}
the fingerprint of its key, which the operator sees, too:
  ${fingerprint(publicKeyText(sign.publicKey))}

add to the options of ${CONFIG_DEFAULT}:
  Fleet = ${conf}
and to each door whose secrets open once in the whole fleet:
  Scope = fleet
then, as a reload does not change Fleet:
  postern check && systemctl restart knockd
`
}
