import { CONFIG_DEFAULT } from '../check.ts'

/** What `postern doctor --help` prints. */
export const HELP = `usage: postern doctor [-c FILE] [-i NAME]... [--json]

Looks at this machine as it is and says what would bite, each with the command
that fixes it: interfaces, ports that are open without any knock, stay shut
after it, or have nothing that answers, rules that end sessions or are gone at
the next start, another knockd, the clock, programs on knock ports, missing
libraries and programs, lost packets, a capture made deaf, permissions of
secrets and of what root runs, and what \`postern check\` finds.
Changes nothing. Without root it looks at what it may.

  -c, --config FILE  the config; ${CONFIG_DEFAULT} without it
  -i, --interface NAME
                     the interface that knockd is started with, if with one
  --json             one JSON document
  -h, --help         this text

exit status: 0 nothing found, 1 something found, 2 usage, 78 the config cannot
be used

  sudo postern doctor
`
