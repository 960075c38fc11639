import { CONFIG_DEFAULT } from '../check.ts'

/** The help of `postern doctor`. */
export const HELP = `usage: postern doctor [-c FILE] [-i NAME]... [--json]

Finds problems of this machine, and shows for each the command that fixes it:
interfaces, ports that are open without any knock, stay shut after it, or have
no program listening, rules that end sessions or are gone at the next start,
rules for the next start that do not fit the config, another knockd, the clock,
programs on knock ports, missing libraries and programs, lost packets, a capture
made deaf, permissions of secrets and of what root runs, and what \`postern
check\` finds.
Changes nothing. Without root it checks what it can.

  -c, --config FILE  the config; default: ${CONFIG_DEFAULT}
  -i, --interface NAME
                     the interface that knockd gets with -i, if any
  --json             print one JSON document
  -h, --help         show this help

exit status: 0 no problems, 1 problems found, 2 usage,
78 the config cannot be used

  sudo postern doctor
`
