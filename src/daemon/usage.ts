/** What `knockd --help` prints. */
export const USAGE = `usage: knockd [OPTION]...

Watches for knocks and opens the doors of its config to whoever knocks right.

  -i, --interface NAME   listen on this interface; may be given again, or be any
                         (without it eth0, or the default route's)
  -c, --config FILE      use this config (without it /etc/knockd.conf)
  -d, --daemon           go into the background once it listens
  -p, --pidfile FILE     the background process's id, unless the config has
                         a PidFile (default: /var/run/knockd.pid)
  -g, --logfile FILE     log to this file, unless the config has a LogFile
  -l, --lookup           log host names beside addresses
  -4, --only-ip-v4       take no notice of IPv6
  -v, --verbose          say on standard output what is logged
  -D, --debug            say why knocks fail
  -V, --version          print the version
  -h, --help             print this

examples:
  postern check /etc/knockd.conf && knockd -d
  knockd -i eth0 -i wg0 -v -D -c ./knockd.conf

exit codes: 0 done, 1 failure, 2 usage, 78 the config cannot be used
signals: HUP reads the config again, INT and TERM close what is open and end it
`
