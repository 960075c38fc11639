import { command } from '../../../cli/command.ts'
import { NOT_IN_FORCE, UNCHANGED } from '../../../cli/exit-code.ts'
import type { Options, Values } from '../../../cli/option.ts'
import { one } from '../../../cli/value.ts'

const OPTIONS = {
  key: { value: 'FILE', kind: 'file', help: "the operator's private key; default: sign.key in the folder below" },
  yes: { short: 'y', help: 'do not ask' },
  'dry-run': { help: 'show what would change, and change nothing' },
  folder: {
    value: 'DIR',
    kind: 'folder',
    help: "the operator's folder; default: ~/.config/postern/fleet/NAME",
  },
} as const satisfies Options

/** The arguments of `postern fleet push`. */
export type PushArguments = Values<typeof OPTIONS> & {
  /** The folder of the files of users. */
  readonly users: string
}

/** `postern fleet push` */
export const PUSH = command({
  name: 'postern fleet push',
  summary: 'put the users of all hosts in force',
  about: `Signs the files of a folder, and puts them where every host of the fleet takes
them: users, keys, codes and lists. Each host puts all of them in force at once,
or refuses all. Who is not in them any more loses access, and what is open.
First shows what changes. The files are checked by the daemon's own readers.

Hosts have the files at /var/lib/postern/fleet/NAME/users.d/FILE, which doors
name. The end of a file's name tells its directive:
  .users    Users                  .list        One_Time_Sequences
  .totp     TOTP_Secret_File       .access      Access_File
  .spa      SPA_Users              .fwknop      Fwknop_Keys
  .knockknock, a folder: Profiles`,
  options: OPTIONS,
  operands: { text: 'FOLDER', kinds: ['folder'] },
  exits: {
    0: 'done',
    1: 'nothing changed',
    [UNCHANGED]: 'the same is in etcd already',
    [NOT_IN_FORCE]: 'done, but not all hosts have it in force',
  },
  examples: `  postern fleet push --dry-run users.d
  postern fleet push users.d`,
  hint: '',
  read: (values, words): PushArguments => ({
    ...values,
    users: one(words, 'push takes one folder', 'as in users.d'),
  }),
  run: async () => (await import('./push.ts')).push,
})
