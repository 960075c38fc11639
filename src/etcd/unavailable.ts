/**
 * The reason why etcd gave no result. `no-majority`: members answer, but have no leader. `no-answer`: nobody answered in time.
 * `reset`: members end the connection, as etcd does to a certificate that was revoked. `quota`: the database is full. `gateway`: the JSON gateway is off. `common-name`: the gateway refuses certificates with
 * one. `server-certificate`: a member's is not trusted. `client-certificate`: this client's was refused. `login`: the
 * name, the password or their rights do not do. `lease`: the lease has ended. `compacted`: the revision asked for is gone.
 * `size`: more than the client takes. `token`: the token has ended. `busy`: too many requests wait. `answer`: something that etcd does not say. `closed`: the client was closed.
 */
export type UnavailableKind =
  | 'no-majority'
  | 'no-answer'
  | 'reset'
  | 'quota'
  | 'gateway'
  | 'common-name'
  | 'server-certificate'
  | 'client-certificate'
  | 'login'
  | 'lease'
  | 'compacted'
  | 'size'
  | 'token'
  | 'busy'
  | 'answer'
  | 'closed'

/** etcd gave no result. The message says why, and a hint stands on a line of its own. It holds no secret. */
export class EtcdUnavailable extends Error {
  override readonly name = 'EtcdUnavailable'
  readonly kind: UnavailableKind
  readonly reason: string
  readonly hint: string | undefined

  constructor(kind: UnavailableKind, reason: string, hint?: string) {
    super(hint === undefined ? reason : `${reason}\n${hint}`)
    this.kind = kind
    this.reason = reason
    this.hint = hint
  }
}

/** Kinds that another member cannot answer better: the cluster as a whole has decided. */
const FINAL: ReadonlySet<UnavailableKind> = new Set([
  'quota',
  'login',
  'lease',
  'compacted',
  'size',
  'token',
  'busy',
  'closed',
])
/** Kinds that do not pass by themselves. When all members answer with them, nothing is worth waiting for. */
const LASTING: ReadonlySet<UnavailableKind> = new Set([
  'gateway',
  'common-name',
  'server-certificate',
  'client-certificate',
])

/** Returns true if the same request to another member would have the same result. */
export function isFinal({ kind }: EtcdUnavailable): boolean {
  return FINAL.has(kind)
}

/** Returns true if the same request to the same member would have the same result. */
export function isLasting({ kind }: EtcdUnavailable): boolean {
  return LASTING.has(kind)
}

/** Returns true if a member ended the connection. */
export function isReset({ kind }: EtcdUnavailable): boolean {
  return kind === 'reset'
}

/** Messages of etcd (api/v3rpc/rpctypes/error.go of etcd) and what they mean to an operator. */
const MESSAGES: readonly (readonly [RegExp, UnavailableKind, string, string?])[] = [
  [
    /database space exceeded/,
    'quota',
    'the database of etcd is full',
    'compact and defragment it, clear the alarm (etcdctl alarm disarm), and set --auto-compaction-retention 1h',
  ],
  [
    /CommonName of client/,
    'common-name',
    'etcd refuses the client certificate, as it has a common name',
    'with access control, make one with a subjectAltName alone',
  ],
  [
    /no leader|leader changed|request timed out|not capable|stopped|unhealthy/,
    'no-majority',
    'no majority of etcd answers',
  ],
  [/lease not found/, 'lease', 'the lease has ended'],
  [/required revision has been compacted/, 'compacted', 'the revision has been compacted'],
  [/invalid auth token|auth revision/, 'token', 'etcd does not know the token of this host'],
  [
    /authentication is not enabled/,
    'login',
    'etcd has no access control, and this host has a login for it',
    'take the line Login_File out of fleet.conf, or turn it on: etcdctl auth enable',
  ],
  [
    /user name is empty|user name not found|authentication failed|permission denied/,
    'login',
    'etcd refuses the name, the password or what they may do',
    'compare Login_File with what etcd has, and give the user of this host its role: etcdctl user grant-role NAME ROLE',
  ],
]

/**
 * Returns the fault that an answer other than 200 stands for.
 *
 * @param message that of etcd's error; `''`: the answer does not come from etcd, as where the gateway is off
 * @param text the answer as it came
 */
export function answerFault(status: number, message: string, text: string): EtcdUnavailable {
  const words = printable(message === '' ? text : message)
  for (const [pattern, kind, reason, hint] of MESSAGES) {
    if (pattern.test(words)) return new EtcdUnavailable(kind, reason, hint)
  }
  if (status === 404 && message === '') {
    return new EtcdUnavailable(
      'gateway',
      'the JSON gateway of etcd is off (HTTP 404)',
      'with a configuration file, etcd needs the line: enable-grpc-gateway: true',
    )
  }
  if (status === 503 || status === 504) return new EtcdUnavailable('no-majority', 'no majority of etcd answers')
  return new EtcdUnavailable('answer', `unexpected answer: HTTP ${status}${words === '' ? '' : `, ${words}`}`)
}

/** Characters of a foreign text that a message quotes. */
const QUOTED_MAX = 120

function printable(text: string): string {
  return text
    .slice(0, QUOTED_MAX)
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
}

/** Returns the fault of a connection that failed, from the code of Node.js or OpenSSL. */
export function connectionFault(error: Error & { readonly code?: string }): EtcdUnavailable {
  if (error instanceof EtcdUnavailable) return error
  const code = error.code ?? ''
  if (/ALERT|_ALERT_/i.test(code) || /\balert\b/.test(error.message)) {
    const hint = 'its certificate is to be signed by the authority that etcd trusts, with clientAuth, and not expired'
    return new EtcdUnavailable('client-certificate', 'etcd refuses the certificate of this host', hint)
  }
  if (CERTIFICATE_CODES.test(code)) {
    const reason = `the certificate of etcd is not trusted: ${code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? 'it is for another host' : printable(error.message)}`
    return new EtcdUnavailable('server-certificate', reason, CERTIFICATE_HINTS[code] ?? OTHER_AUTHORITY)
  }
  const words = CONNECTION_WORDS[code] ?? printable(error.message)
  return new EtcdUnavailable(words === RESET ? 'reset' : 'no-answer', words)
}

/** X.509 errors of OpenSSL as Node.js names them (tls documentation, "X509 certificate error codes"). */
const CERTIFICATE_CODES =
  /^(?:CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_(?:CA|PURPOSE)|HOSTNAME_MISMATCH|ERR_TLS_CERT)/
const CERTIFICATE_HINTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'renew the certificates of the nodes, as "Renew certificates" in doc/fleet.md shows',
  CERT_NOT_YET_VALID: 'the clock of this host is behind: timedatectl set-ntp true',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'the line Etcd in fleet.conf has another name or address than the certificate of the node',
}
const OTHER_AUTHORITY = "CA_File is to have the authority that signed the nodes' certificates"
const RESET = 'connection reset'
const CONNECTION_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: RESET,
  EPIPE: RESET,
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host not found',
  ETIMEDOUT: 'no answer',
}
