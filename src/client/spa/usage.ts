/** The output of `knock --spa --help`. */
export const SPA_USAGE = `usage: knock --spa [OPTION]... HOST
       knock --spa fwknop [OPTION]... HOST
       knock --spa knockknock [OPTION]... HOST PORT

Asks HOST to open a door by one encrypted packet, and prints the address that it
asked for. HOST does not answer. Default: Postern's own packet, with the
settings for HOST in ~/.config/postern/config.

all packets:
  -4, --ipv4            IPv4 only
  -6, --ipv6            IPv6 only
      --source SOURCE   send from this address, or this interface's address
      --verify tcp/PORT then connect to PORT: exit code 1 if it is not open
      --retry N         with --verify: send up to N more until it is open
  -v, --verbose         print which files were read, and the time of the clock
  -V, --version         show the version
  -h, --help            show this help

Postern's and fwknop's:
  -a, --claim ADDRESS   open for this address; \`source\`: for the address that
                        the packet seems to come from. Default: the address this
                        machine sends from, or \`source\` if that is private
  -A, --access PORTS    the ports to open: tcp/22,udp/53
  -f, --for TIME        how long: 30s, 10m
  -p, --port PORT       UDP port to send to; default: 62201

Postern's:
      --config FILE     default: ~/.config/postern/config
      --door NAME       the door to open
      --key FILE        your secret key
      --server-key KEY  the server's public key

fwknop's:
  -n, --stanza NAME     stanza of ~/.fwknoprc; default: HOST
      --rc-file FILE    default: ~/.fwknoprc; --no-rc-file: none
      --key-file FILE   keys as \`fwknop --key-gen\` prints them
  -C, --command TEXT    a command instead of ports
  -N, --nat HOST:PORT   forward the port to a host behind the server
      --nat-local       forward it to the server's own port
      --nat-port PORT   the port outside, with one of those two
  -U, --user NAME       the user name in the packet

knockknock's, which needs root:
      --profile FOLDER  default: ~/.knockknock/HOST

examples:
  knock --spa gate.example.org && ssh gate.example.org
  knock --spa fwknop -n gate
  knock --spa fwknop -A tcp/22 --key-file gate.keys gate.example.org

exit status: 0 sent, 1 not resolvable, not sent or not open, 2 usage
`
