import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { DONE, FAILED } from '../../../cli/exit-code.ts'
import { Failure, faultText } from '../../../cli/fault.ts'
import type { Output } from '../../../cli/output.ts'
import { Etcd } from '../../../etcd/client.ts'
import { publicKeyText } from '../../../fleet/hosts.ts'
import type { FleetHost } from '../../../fleet/hosts.ts'
import {
  fingerprint,
  newInvitation,
  readAuthenticated,
  readRequest,
  sealAnswer,
  tokenOf,
} from '../../../fleet/invitation.ts'
import type { Accepted, Invitation, JoinAnswer, JoinRequest } from '../../../fleet/invitation.ts'
import { Keyspace } from '../../../fleet/keyspace.ts'
import { findOperatorFolder, loadOperator, loadSigner, operatorFleetKey } from '../../../fleet/operator.ts'
import type { OperatorFolder } from '../../../fleet/operator.ts'
import type { Signer } from '../../../fleet/signed.ts'
import type { InviteArguments } from '../arguments.ts'
import type { Authority } from '../authority.ts'
import { HostsList } from '../hosts-list.ts'
import { newestUsersVersion } from '../users-version.ts'
import { clientsAuthority } from '../init/folder.ts'
import { passphraseOf } from '../passphrase.ts'
import { CERTIFICATES, revokeCertificates } from '../revoke.ts'
import { fleetFailed } from '../unanswered.ts'
import { clockDoubt } from './clock-doubt.ts'
import { DONE_MARK, WAITING } from './steps.ts'

/** Milliseconds between two looks for the host. */
const LOOK_MS = 300
/** Milliseconds within which a host that was accepted has to write its files. */
const FINISH_MAX_MS = 30_000
const OWNER_ONLY = 0o600

/** An invitation that is under way. */
interface Inviting {
  readonly asked: InviteArguments
  readonly operator: OperatorFolder
  readonly signer: Signer
  readonly etcd: Etcd
  readonly keyspace: Keyspace
  readonly list: HostsList
  readonly authority: Authority
  readonly output: Output
  readonly signal: AbortSignal
}

/** Runs `postern fleet invite`, and returns the exit code. */
export async function invite(asked: InviteArguments, output: Output): Promise<number> {
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  let etcd: Etcd | undefined
  try {
    const folder = findOperatorFolder(asked.folder)
    const operator = loadOperator(folder)
    const { settings, access } = operator
    etcd = new Etcd(access)
    const keyspace = new Keyspace(settings.fleet)
    const list = new HostsList(etcd, keyspace, settings, folder)
    const authority = clientsAuthority(folder)
    const { document, doubt } = await list.read()
    if (document === undefined) {
      throw new Failure('there is no list of hosts yet', `sign the first one: postern fleet init ${settings.fleet}`)
    }
    if (doubt !== undefined)
      output.err(faultText('postern', doubt, 'the next version is made from the copy in this folder'))
    if (!asked.replace && document.hosts.some(({ name }) => name === asked.host)) {
      throw new Failure(`${asked.host} is in the fleet already`, 'for a new key: --replace')
    }
    const signer = await loadSigner(operator, passphraseOf)
    const { signal } = interrupted
    return await waitForHost({ asked, operator, signer, etcd, keyspace, list, authority, output, signal })
  } catch (error) {
    return fleetFailed(error, output)
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
    etcd?.close()
  }
}

async function waitForHost(inviting: Inviting): Promise<number> {
  const { asked, operator, signer, etcd, keyspace, authority, output, signal } = inviting
  const { settings, access } = operator
  const now = Date.now()
  const until = now + asked.for
  const invitation: Invitation = {
    fleet: settings.fleet,
    host: asked.host,
    endpoints: settings.endpoints,
    until,
    ...newInvitation(),
    operator: publicKeyText(signer.key),
    ca: access.ca,
    client: authority.exists ? authority.issueUntil('DNS:invited', now, until) : undefined,
    login: access.login,
  }
  const keys = keysOf(keyspace, invitation)
  const lease = await etcd.grant(Math.ceil(asked.for / 1_000))
  await etcd.put(keys.operator, WAITING, lease)
  const own = authority.exists ? '' : ' --cert FILE --key FILE'
  output.out(
    `on ${asked.host}, within ${Math.round(asked.for / 1_000)} s:\n\n  sudo postern fleet join${own}\n\n` +
      `and paste this token when it asks:\n\n${tokenOf(invitation)}\n\n`,
  )
  try {
    for (;;) {
      const request = await etcd.get(keys.host)
      if (request !== undefined) return await accept(inviting, invitation, request.value, lease)
      if (Date.now() >= until)
        throw new Failure('the token has expired: nobody used it', 'run this again for another one')
      await pause(LOOK_MS, undefined, { signal })
    }
  } catch (error) {
    if (signal.aborted) throw new Failure('interrupted: the token does not work any more', undefined, error)
    throw error
  } finally {
    // Without this key the token is refused. An answer stays until the host has read it.
    await etcd.txn([{ key: keys.operator, value: WAITING }], [{ delete: keys.operator }]).catch(() => undefined)
  }
}

/** Answers the host that used the token, and signs the list with it. */
async function accept(inviting: Inviting, invitation: Invitation, text: string, lease: string): Promise<number> {
  const { asked, operator, signer, etcd, keyspace, list, output } = inviting
  const keys = keysOf(keyspace, invitation)
  const request = readRequest(readAuthenticated(invitation, text))
  if (request === undefined) {
    throw new Failure(
      'somebody answered who does not know the secret of the token: nothing was signed',
      'somebody else can write to etcd; run this again for another token',
    )
  }
  const answer = (content: JoinAnswer): string =>
    sealAnswer(invitation, content, request.dh, generateKeyPairSync('x25519'), signer)
  const doubt = clockDoubt(request.at - Date.now(), operator.settings.clockSkewMs)
  if (doubt !== undefined) {
    await etcd.put(keys.operator, answer({ refused: doubt }), lease)
    throw new Failure(`${asked.host} was refused: ${doubt}`, 'set the clock, and run this again for another token')
  }
  const content = contentOf(inviting, request)
  const users = await newestUsersVersion(etcd, keyspace, operator)
  const isIt = ({ name }: FleetHost): boolean => name === asked.host
  const { version } = await list.change(
    (hosts) => {
      // A host that gets a new key stays in its groups.
      const groups = asked.groups ?? hosts.find(isIt)?.groups ?? []
      return [...hosts.filter((host) => !isIt(host)), { name: asked.host, groups, key: request.sign }]
    },
    signer,
    (next) => {
      const { groups = [] } = next.hosts.find(isIt) ?? {}
      const value = answer({ ...content, groups, least: { hosts: next.version, users } })
      return [{ put: keys.operator, value, lease }]
    },
  )
  output.out(
    `${asked.host} is in the fleet ${invitation.fleet} (version ${version}); the fingerprint of its key:\n  ${fingerprint(request.sign)}\n`,
  )
  if (asked.replace) sayRevoked(inviting, content.cert)
  return await finish(inviting, invitation)
}

/** Revokes the earlier certificates of a host that has a new one, and says what is left to do. @throws Failure */
function sayRevoked({ asked, operator, authority, output }: Inviting, cert: string | undefined): void {
  if (cert === undefined || !authority.exists) {
    output.out(`revoke the earlier certificate of ${asked.host} with your own authority\n`)
    return
  }
  const copies = revokeCertificates(asked.host, operator, cert)
  if (copies === '') return
  output.out(
    `the earlier certificate of ${asked.host} is revoked as soon as each node has the new list; no restart is needed:\n${copies}`,
  )
}

/** Waits until the host has written its files. */
async function finish({ asked, etcd, keyspace, output, signal }: Inviting, invitation: Invitation): Promise<number> {
  const key = keysOf(keyspace, invitation).host
  for (let waited = 0; waited < FINISH_MAX_MS; waited += LOOK_MS) {
    const { value = '' } = (await etcd.get(key)) ?? {}
    if (readAuthenticated(invitation, value) === DONE_MARK) {
      output.out('it has its files; compare the fingerprint with the one that it shows\n')
      return DONE
    }
    await pause(LOOK_MS, undefined, { signal })
  }
  const hint = `if it shows an error there: postern fleet invite ${asked.host} --replace`
  output.err(faultText('postern', `${asked.host} has not said that its files are written`, hint))
  return FAILED
}

function contentOf({ asked, operator, authority }: Inviting, request: JoinRequest): Omit<Accepted, 'least' | 'groups'> {
  const { settings, access, folder } = operator
  const { tls } = request
  const cert = tls === undefined || !authority.exists ? undefined : authority.sign('client', `DNS:${asked.host}`, tls)
  if (cert !== undefined) {
    // It is needed to revoke it later.
    mkdirSync(join(folder, CERTIFICATES), { recursive: true, mode: 0o700 })
    writeFileSync(join(folder, CERTIFICATES, `${asked.host}.${Date.now()}.crt`), cert, { mode: OWNER_ONLY, flag: 'wx' })
  }
  return {
    ...(cert === undefined ? {} : { cert }),
    ca: access.ca,
    fleetKey: operatorFleetKey(operator).toString('base64'),
    endpoints: settings.endpoints,
    operators: settings.operators.map(({ name, key }) => ({ name, key: publicKeyText(key) })),
    ...(access.login === undefined ? {} : { login: access.login }),
  }
}

function keysOf(keyspace: Keyspace, { id }: Invitation): Readonly<Record<'host' | 'operator' | 'used', string>> {
  return {
    host: keyspace.invitation(id, 'host'),
    operator: keyspace.invitation(id, 'operator'),
    used: keyspace.invitation(id, 'used'),
  }
}
