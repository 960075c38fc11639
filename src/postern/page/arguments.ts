import { command } from '../../cli/command.ts'
import { UsageError } from '../../cli/fault.ts'
import { CONFIG } from '../../cli/option.ts'
import type { Options, Values } from '../../cli/option.ts'
import { one } from '../../cli/value.ts'

const MODE_WITH_SECRET = 0o600
const MODE_WITHOUT = 0o644

const OPTIONS = {
  door: { value: 'DOOR', kind: 'door', help: 'door that the page opens' },
  user: {
    value: 'NAME',
    kind: 'user',
    help: 'user whose secret the page has; at a door with one secret for all, that one',
  },
  host: {
    value: 'HOST',
    kind: 'host',
    help: 'name or address that the page knocks at; default: Publish_Host, or the name of this machine',
  },
  'passphrase-file': {
    value: 'FILE',
    kind: 'file',
    within: 'user',
    help: 'file whose first line is the passphrase; default: asked at the terminal, twice',
  },
  identity: {
    value: 'FILE',
    kind: 'file',
    within: 'user',
    help: 'file with the age identity that decrypts the published list of the door',
  },
  mode: { value: 'MODE', read: mode, help: 'mode of the page; default: 600 with a secret, 644 without' },
  config: CONFIG,
} as const satisfies Options

/** The arguments of `postern page`. */
export type PageArguments = Omit<Values<typeof OPTIONS>, 'mode' | 'door'> & {
  readonly door: string
  /** The page to write. */
  readonly file: string
  readonly mode: number
}

/** `postern page` */
export const PAGE = command({
  name: 'postern page',
  summary: 'make a page that knocks from a phone or any browser',
  forms: ['--door DOOR [--user NAME] [options] FILE'],
  about: `Makes one page for a browser that holds a user's secret, encrypted under a
passphrase, and knocks at a touch: codes, a fixed sequence, or a published list.
Without --user the page has no secret. It takes one from a link to itself, which
no server sees, and asks for a passphrase or a passkey.

Three files beside it make it an app: served over https, it can be installed,
and works without a network. A web server can change the page that it serves.`,
  options: OPTIONS,
  operands: { text: 'FILE', kinds: ['file'] },
  exits: { 0: 'written', 1: 'it could not be made or written' },
  examples: `  sudo postern page --door ssh --user alice alice.html
  sudo postern page --door ssh --host gate.example.org /var/www/html/ssh.html`,
  read: (values, words): PageArguments => {
    const { door, user, mode: asked } = values
    if (door === undefined) throw new UsageError('no door given', 'as in [ssh]: --door ssh')
    const file = one(words, 'page takes one file', 'postern page --door ssh FILE.html')
    if (!/[^/]\.html$/.test(file)) throw new UsageError('not the name of a page', 'it ends with .html')
    return { ...values, door, file, mode: asked ?? (user === undefined ? MODE_WITHOUT : MODE_WITH_SECRET) }
  },
  run: async () => (await import('./page.ts')).page,
})

function mode(text: string): number {
  if (/^0?[64][0-7]{2}$/.test(text) && /^0?[64][04][04]$/.test(text)) return Number.parseInt(text, 8)
  throw new UsageError('invalid mode', 'three digits: 600, 640 or 644')
}
