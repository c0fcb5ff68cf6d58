# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_cicada_global_optspecs
    string join \n f/workload= config= H/host= u/users= r/spawn-rate= t/run-time= i/iterations= l/list config-users= web-host= P/web-port= web-base-path= tls-cert= tls-key= headless autostart prometheus-port= autoquit= db= resume shape= seed= threshold= run-name= max-users= max-spawn-rate= allowed-hosts= web-names= trace-url= allowed-origins= demo check only-summary print-stats csv= csv-full-history html= json json-file= results= results-max-size= results-max-files= reset-stats show-task-ratio show-task-ratio-json L/loglevel= logfile= skip-log-setup s/stop-timeout= exit-code-on-error= equal-weights T/tags= E/exclude-tags= otel profile= class-picker modern-ui V/version h/help
end

function __fish_cicada_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_cicada_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_cicada_using_subcommand
    set -l cmd (__fish_cicada_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c cicada -n "__fish_cicada_needs_command" -s f -l workload -d 'Workload file for new runs, or locustfiles and folders of them, separated by commas; whatever was put at /workload before. Without it, what was put last and kept by --db, or else the built-in one with the demo\'s six classes' -r -F
complete -c cicada -n "__fish_cicada_needs_command" -l config -d 'Configuration file, read after ~/.locust.conf, locust.conf and pyproject.toml: options\' names and values' -r -F
complete -c cicada -n "__fish_cicada_needs_command" -s H -l host -d 'Base URL for all classes, such as http://localhost:8000' -r
complete -c cicada -n "__fish_cicada_needs_command" -s u -l users -d 'Number of users; 1 if not given, and 60 with --demo' -r
complete -c cicada -n "__fish_cicada_needs_command" -s r -l spawn-rate -d 'Users started a second; 1 if not given, and 6 with --demo' -r
complete -c cicada -n "__fish_cicada_needs_command" -s t -l run-time -d 'Stop after this time: 20, 20s, 3m, 2h, 1h20m. Without it, traffic goes on until it is stopped' -r
complete -c cicada -n "__fish_cicada_needs_command" -s i -l iterations -d 'Stop after this number of iterations of all users together, once they have ended; with --headless or --autostart' -r
complete -c cicada -n "__fish_cicada_needs_command" -l config-users -d 'Settings of user classes: JSON, or a .json file, with user_class_name and any of weight, fixed_count and host' -r
complete -c cicada -n "__fish_cicada_needs_command" -l web-host -d 'Address to serve on, such as 127.0.0.1 or `[::1]`; all of the machine\'s, IPv4 and IPv6, if empty or *' -r
complete -c cicada -n "__fish_cicada_needs_command" -s P -l web-port -d 'Port to serve on' -r
complete -c cicada -n "__fish_cicada_needs_command" -l web-base-path -d 'Path that everything is served under, such as /cicada' -r
complete -c cicada -n "__fish_cicada_needs_command" -l tls-cert -d 'TLS certificate in PEM, to serve https:// with --tls-key' -r -F
complete -c cicada -n "__fish_cicada_needs_command" -l tls-key -d 'The certificate\'s private key in PEM' -r -F
complete -c cicada -n "__fish_cicada_needs_command" -l prometheus-port -d 'Port to serve /metrics on as well, also with --headless; everything else is served on --web-port only' -r
complete -c cicada -n "__fish_cicada_needs_command" -l autoquit -d 'With --autostart: exit this many seconds after the run has ended' -r
complete -c cicada -n "__fish_cicada_needs_command" -l db -d 'Database file to keep runs, schedules and the workload in; a run that was not stopped goes on with it' -r -F
complete -c cicada -n "__fish_cicada_needs_command" -l shape -d 'Load shape of the workload that says how many users there are when, instead of --users and --spawn-rate (see --list)' -r
complete -c cicada -n "__fish_cicada_needs_command" -l seed -d 'Seed of the runs\' random draws: the same seed gives the same requests' -r
complete -c cicada -n "__fish_cicada_needs_command" -l threshold -d 'A figure that must stay below a number, such as \'p95<500\', \'fail_ratio<0.05\' or \'p95<500 of NAME\'; may be repeated. Then the exit code is 3 if one does not, and failed requests alone do not decide' -r
complete -c cicada -n "__fish_cicada_needs_command" -l run-name -d 'The name of the runs that are started, for lists, reports and --json' -r
complete -c cicada -n "__fish_cicada_needs_command" -l max-users -d 'The most users that may be asked for' -r
complete -c cicada -n "__fish_cicada_needs_command" -l max-spawn-rate -d 'The most users started a second that may be asked for' -r
complete -c cicada -n "__fish_cicada_needs_command" -l allowed-hosts -d 'The only hosts that traffic may be sent to, separated by commas: example.com, *.example.com, localhost:8000, or `https://example.com` for one scheme only' -r
complete -c cicada -n "__fish_cicada_needs_command" -l web-names -d 'Names that this server is called by, separated by commas, such as cicada.example.com. Without a password, changes are refused under a name that may be anybody\'s; * takes every name' -r
complete -c cicada -n "__fish_cicada_needs_command" -l trace-url -d 'Where the page\'s traces lead to: a URL with {trace_id} in it, such as `https://jaeger.example.com/trace/{trace_id}`' -r
complete -c cicada -n "__fish_cicada_needs_command" -l allowed-origins -d 'Origins of other pages, such as a dashboard\'s, that may read and change what the own page may, separated by commas: `https://dashboard.example.com`. A password is asked for all the same' -r
complete -c cicada -n "__fish_cicada_needs_command" -l csv -d 'Keep statistics in FILE_stats.csv, FILE_stats_history.csv, FILE_failures.csv and FILE_exceptions.csv' -r -F
complete -c cicada -n "__fish_cicada_needs_command" -l html -d 'Keep a report in this file; {u}, {r} and {t} in its name are users, spawn rate and run time' -r
complete -c cicada -n "__fish_cicada_needs_command" -l json-file -d 'Keep the statistics as JSON in FILE.json' -r -F
complete -c cicada -n "__fish_cicada_needs_command" -l results -d 'Write a row for every request to FILE.jsonl or FILE.csv, packed with .gz after that, or to `postgres://USER:PASSWORD@HOST/DATABASE`' -r
complete -c cicada -n "__fish_cicada_needs_command" -l results-max-size -d 'Size at which a file of --results is put aside under a number, and the next one begun' -r
complete -c cicada -n "__fish_cicada_needs_command" -l results-max-files -d 'The most files of --results, the newest with them; all of them if not given' -r
complete -c cicada -n "__fish_cicada_needs_command" -s L -l loglevel -d 'DEBUG, INFO, WARNING, ERROR or CRITICAL' -r -f -a "DEBUG\t''
INFO\t''
WARNING\t''
ERROR\t''
CRITICAL\t''"
complete -c cicada -n "__fish_cicada_needs_command" -l logfile -d 'Write the log to this file instead of stderr' -r -F
complete -c cicada -n "__fish_cicada_needs_command" -s s -l stop-timeout -d 'How long iterations may go on after the end; what is cut off then is counted as such. By default, until their timeouts after a stop, and 3 s when the program ends' -r
complete -c cicada -n "__fish_cicada_needs_command" -l exit-code-on-error -d 'Exit code when any request failed' -r
complete -c cicada -n "__fish_cicada_needs_command" -s T -l tags -d 'Only tasks with one of these tags' -r
complete -c cicada -n "__fish_cicada_needs_command" -s E -l exclude-tags -d 'Only tasks with none of these tags' -r
complete -c cicada -n "__fish_cicada_needs_command" -l profile -d 'Name that groups runs: the attribute `profile` of exported spans and metrics' -r
complete -c cicada -n "__fish_cicada_needs_command" -s l -l list -d 'Show the user classes and load shapes, and exit'
complete -c cicada -n "__fish_cicada_needs_command" -l headless -d 'Serve nothing, start at once, and end with the run'
complete -c cicada -n "__fish_cicada_needs_command" -l autostart -d 'Start at once, and serve'
complete -c cicada -n "__fish_cicada_needs_command" -l resume -d 'With --db: a run goes on after SIGTERM too, at the next start and as it was, and --autostart starts only the first run. A run that was stopped stays stopped. The container\'s default'
complete -c cicada -n "__fish_cicada_needs_command" -l demo -d 'Start stand-in targets on this machine, and send them traffic'
complete -c cicada -n "__fish_cicada_needs_command" -l check -d 'Check the workload file, show the hosts in force, and exit'
complete -c cicada -n "__fish_cicada_needs_command" -l only-summary -d 'Print no statistics while a --headless run goes on'
complete -c cicada -n "__fish_cicada_needs_command" -l print-stats -d 'Print statistics also while the web API is served'
complete -c cicada -n "__fish_cicada_needs_command" -l csv-full-history -d 'With --csv: every row in the history, and not only all together'
complete -c cicada -n "__fish_cicada_needs_command" -l json -d 'Print the statistics as JSON at the end, on stdout; tables and log are on stderr'
complete -c cicada -n "__fish_cicada_needs_command" -l reset-stats -d 'Count anew once all users are there'
complete -c cicada -n "__fish_cicada_needs_command" -l show-task-ratio -d 'Show how often each class does which task, and exit'
complete -c cicada -n "__fish_cicada_needs_command" -l show-task-ratio-json -d 'The same as JSON'
complete -c cicada -n "__fish_cicada_needs_command" -l skip-log-setup -d 'Log only warnings and errors, and print no tables'
complete -c cicada -n "__fish_cicada_needs_command" -l equal-weights -d 'Give every class the same weight'
complete -c cicada -n "__fish_cicada_needs_command" -l otel -d 'Export spans and metrics to http://localhost:4318, unless OTEL_EXPORTER_OTLP_ENDPOINT says where to'
complete -c cicada -n "__fish_cicada_needs_command" -l class-picker -d 'Accepted, and without a meaning here: the page always has the picker'
complete -c cicada -n "__fish_cicada_needs_command" -l modern-ui -d 'Accepted, and without a meaning here: there is one page'
complete -c cicada -n "__fish_cicada_needs_command" -s V -l version -d 'Print the version, with the commit that it was built from, and exit'
complete -c cicada -n "__fish_cicada_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cicada -n "__fish_cicada_needs_command" -a "cost" -d 'The cost of traffic on AWS, from its plan'
complete -c cicada -n "__fish_cicada_needs_command" -a "convert" -d 'A locustfile as a workload file'
complete -c cicada -n "__fish_cicada_needs_command" -a "env" -d 'The variables in force, secrets masked: NAME=value of each, or the value alone of those that are named'
complete -c cicada -n "__fish_cicada_needs_command" -a "health" -d 'Asks a cicada that serves for its health: says well and exits with 0, or says what is wrong and exits with 1'
complete -c cicada -n "__fish_cicada_needs_command" -a "import" -d 'A browser\'s recording as a workload file'
complete -c cicada -n "__fish_cicada_needs_command" -a "init" -d 'A workload file to begin with'
complete -c cicada -n "__fish_cicada_needs_command" -a "mcp" -d 'Speaks the Model Context Protocol on standard input and output: an agent starts it, and it asks a cicada that serves'
complete -c cicada -n "__fish_cicada_needs_command" -a "results" -d 'The requests of a run, a row each, from the records that are there'
complete -c cicada -n "__fish_cicada_needs_command" -a "workload" -d 'The workload that new runs have, printed'
complete -c cicada -n "__fish_cicada_using_subcommand cost" -s u -l users -d 'Number of users, shared among the classes by their weights' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l class-counts -d 'Users of single classes: JSON such as {"ModelAUser": 2}, or CLASS=N for each; may be repeated' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l shape -d 'A load shape of the workload: as many users as it has on average, in place of users and class counts' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -s r -l spawn-rate -d 'Users started in a second when a run begins; without it all are there after a minute, which is not counted' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l hours -d 'When traffic is on: 8/day, 40/week or 100/month' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l watch-hours -d 'When somebody watches the statistics, within those hours; 1/day, or all of less, if it is not said' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l response-time -d 'How long requests take on average, in seconds: SECONDS of all, or CLASS=SECONDS or REQUEST=SECONDS; may be repeated. Without it they take what the stand-in targets take' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l memory -d 'Memory of the tick function in MB; without it, the least that the traffic needs' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l architecture -d 'What the functions run on' -r -f -a "x86_64\t''
arm64\t'AWS Graviton: a fifth cheaper'"
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l ticks-per-message -d 'How many ticks of a second one message carries at most' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l max-concurrency -d 'How many tick functions may run at once' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l block-size -d 'How many users one tick executes at most' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l retention-days -d 'How long records are kept' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l alarms -d 'How many alarms the deployment has' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l region -d 'The region whose prices hold; without it, the first of the prices' -r
complete -c cicada -n "__fish_cicada_using_subcommand cost" -s f -l workload -d 'Workload file; without it, the built-in one with the demo\'s six classes' -r -F
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l prices -d 'Prices in place of the built-in ones, in a file of the same form' -r -F
complete -c cicada -n "__fish_cicada_using_subcommand cost" -l json -d 'Print JSON'
complete -c cicada -n "__fish_cicada_using_subcommand cost" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cicada -n "__fish_cicada_using_subcommand convert" -s o -l output -d 'File to write the workload to' -r -F
complete -c cicada -n "__fish_cicada_using_subcommand convert" -s H -l host -d 'Base URL for classes without a host of their own' -r
complete -c cicada -n "__fish_cicada_using_subcommand convert" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cicada -n "__fish_cicada_using_subcommand env" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cicada -n "__fish_cicada_using_subcommand health" -s h -l help -d 'Print help'
complete -c cicada -n "__fish_cicada_using_subcommand import" -s o -l output -d 'File to write the workload to' -r -F
complete -c cicada -n "__fish_cicada_using_subcommand import" -l hosts -d 'Hosts whose requests are taken over, separated by commas: example.com or localhost:8000. Without it, the one of the first page' -r
complete -c cicada -n "__fish_cicada_using_subcommand import" -l resource-types -d 'Kinds of requests that are taken over, separated by commas [default: document,xhr,fetch,eventsource,other]' -r -f -a "document\t'Pages'
xhr\t'Requests of scripts by XMLHttpRequest'
fetch\t'Requests of scripts by fetch'
eventsource\t'Streams of server-sent events'
script\t'Scripts'
stylesheet\t'Style sheets'
image\t'Images'
font\t'Fonts'
media\t'Sound and films'
manifest\t'Manifests of web applications'
texttrack\t'Subtitles'
ping\t'Beacons'
other\t'All else'"
complete -c cicada -n "__fish_cicada_using_subcommand import" -l class -d 'Name of the class of users' -r
complete -c cicada -n "__fish_cicada_using_subcommand import" -l all-hosts -d 'Take over the requests to all hosts'
complete -c cicada -n "__fish_cicada_using_subcommand import" -l no-pauses -d 'Leave out the pauses between requests'
complete -c cicada -n "__fish_cicada_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cicada -n "__fish_cicada_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cicada -n "__fish_cicada_using_subcommand mcp" -l basic-auth -d 'The name and password that it asks for' -r
complete -c cicada -n "__fish_cicada_using_subcommand mcp" -s h -l help -d 'Print help'
complete -c cicada -n "__fish_cicada_using_subcommand results" -l db -d 'Database file of a cicada that does not run at the moment' -r -F
complete -c cicada -n "__fish_cicada_using_subcommand results" -l table -d 'DynamoDB table of a stage; region and credentials are those of the environment, as for aws' -r
complete -c cicada -n "__fish_cicada_using_subcommand results" -l run -d 'Name of the run; the newest one if not given' -r
complete -c cicada -n "__fish_cicada_using_subcommand results" -l format -d 'Form of the rows' -r -f -a "jsonl\t'A JSON object a line'
csv\t'CSV with a line of names'"
complete -c cicada -n "__fish_cicada_using_subcommand results" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cicada -n "__fish_cicada_using_subcommand workload" -s f -l workload -d 'Workload file, or locustfiles and folders of them, separated by commas. Without it, what was put last and kept by --db, or else the built-in one' -r
complete -c cicada -n "__fish_cicada_using_subcommand workload" -l db -d 'Database file that runs and the workload are kept in' -r -F
complete -c cicada -n "__fish_cicada_using_subcommand workload" -l schema -d 'Print the JSON schema of workloads instead, for editors'
complete -c cicada -n "__fish_cicada_using_subcommand workload" -s h -l help -d 'Print help (see more with \'--help\')'
