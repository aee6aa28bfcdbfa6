# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_dbtool_global_optspecs
    string join \n h/help V/version
end

function __fish_dbtool_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_dbtool_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_dbtool_using_subcommand
    set -l cmd (__fish_dbtool_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c dbtool -n "__fish_dbtool_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_needs_command" -s V -l version -d 'Print version'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "info" -d 'Identity card: sizes, encoding, journal mode, counters, files beside it, locks, verdict'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "schema" -d 'The SQL of tables, indexes, views and triggers'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "tables" -d 'Tables with rows, columns and indexes'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "query" -d 'Runs SQL and prints the rows'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "shell" -d 'Statements and dot commands, with completion and history'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "bench" -d 'Measures reads, inserts, commits and checkpoints on this machine and disk'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "rows" -d 'The rows of a table'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "check" -d 'Looks for damage; exit code 1 when there is some'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "page" -d 'A page: header, cells, free blocks, hex'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "cell" -d 'A cell: its record, value by value'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "freelist" -d 'The list of free pages'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "ptrmap" -d 'Who points to each page, in auto-vacuum files'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "overflow" -d 'The chains of long payloads'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "wal" -d 'The write-ahead log: frames, commits or pages'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "journal" -d 'The rollback journal'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "shm" -d 'The wal-index: header, read marks, hash tables'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "locks" -d 'Who holds which lock'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "space" -d 'Where the bytes are, and what VACUUM would return'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "map" -d 'A picture of the whole file: each page a cell'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "tree" -d 'A table or index as a tree of pages'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "hash" -d 'Hash of rows and schema, the same value as SQLite\'s dbhash'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "dump" -d 'SQL that makes the database again; the rows of one table in other formats'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "diff" -d 'What differs between two databases, or SQL that makes the second of the first'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "copy" -d 'A consistent copy of a file, also of one in use'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "salvage" -d 'What can be read of a damaged file, in a new one'
complete -c dbtool -n "__fish_dbtool_needs_command" -f -a "help" -d 'This help, the man page, or shell completions'
complete -c dbtool -n "__fish_dbtool_using_subcommand info" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand info" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand info" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand info" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand info" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand info" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand info" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand info" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand info" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand info" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand schema" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand schema" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand schema" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand schema" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand schema" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand schema" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand schema" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand schema" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand schema" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand schema" -l graph -d 'A picture of the tables and the foreign keys between them, as svg'
complete -c dbtool -n "__fish_dbtool_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand tables" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand tables" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand tables" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand tables" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand tables" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand tables" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand tables" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand tables" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand tables" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand tables" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand query" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand query" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand query" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand query" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand query" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand query" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand query" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand query" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand query" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand query" -l explain -d 'Show the plan of each statement and do not run it'
complete -c dbtool -n "__fish_dbtool_using_subcommand query" -l write -d 'Allow changes to the file'
complete -c dbtool -n "__fish_dbtool_using_subcommand query" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand shell" -s c -l command -d 'Run this SQL or dot command and leave; can be given several times' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand shell" -s m -l mode -d 'How to print rows: box, table, column, line, list, csv, tsv, json, ndjson, md, html, insert, quote' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand shell" -l init -d 'Run this file first, in place of dbtool/init in the folder of settings, which only a shell with an editor runs' -r -F
complete -c dbtool -n "__fish_dbtool_using_subcommand shell" -l write -d 'Allow changes to the file'
complete -c dbtool -n "__fish_dbtool_using_subcommand shell" -l new -d 'Make the file, which must not be there yet'
complete -c dbtool -n "__fish_dbtool_using_subcommand shell" -l bail -d 'Stop at the first error'
complete -c dbtool -n "__fish_dbtool_using_subcommand shell" -s h -l help -d 'Print help'
complete -c dbtool -n "__fish_dbtool_using_subcommand bench" -l folder -d 'Where to make it; the working folder when not given' -r -F
complete -c dbtool -n "__fish_dbtool_using_subcommand bench" -l rows -d 'How many rows it has' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand bench" -l seconds -d 'How long each work is measured' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand bench" -l seed -d 'For the choice of rows and texts' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand bench" -l peer -d 'Measure this engine as well, side by side' -r -f -a "sqlite\t'SQLite, in builds with the feature `peer-sqlite`'"
complete -c dbtool -n "__fish_dbtool_using_subcommand bench" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand bench" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand bench" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand bench" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand bench" -l new -d 'Measure with a file that is made for it'
complete -c dbtool -n "__fish_dbtool_using_subcommand bench" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand bench" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand bench" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand rows" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand rows" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand rows" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand rows" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand rows" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand rows" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand rows" -l limit -d 'At most so many' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand rows" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand rows" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand rows" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand rows" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -l level -d '1 header, 2 pages and their links, 3 the inside of pages, 4 records, 5 rows against indexes and constraints' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -l limit -d 'Stop after so many findings' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -l fail-on -d 'The least severity that makes the exit code 1' -r -f -a "warn\t'Every finding'
error\t'Findings that endanger rows'"
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -l quick -d 'The same as --level 2'
complete -c dbtool -n "__fish_dbtool_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand page" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand page" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand page" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand page" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand page" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand page" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand page" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand page" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand page" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand page" -l hex -d 'Its bytes, each with what it is for'
complete -c dbtool -n "__fish_dbtool_using_subcommand page" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand cell" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand cell" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand cell" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand cell" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand cell" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand cell" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand cell" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand cell" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand cell" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand cell" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand freelist" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand freelist" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand freelist" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand freelist" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand freelist" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand freelist" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand freelist" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand freelist" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand freelist" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand freelist" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand ptrmap" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand ptrmap" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand ptrmap" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand ptrmap" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand ptrmap" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand ptrmap" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand ptrmap" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand ptrmap" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand ptrmap" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand ptrmap" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand overflow" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand overflow" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand overflow" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand overflow" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand overflow" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand overflow" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand overflow" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand overflow" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand overflow" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand overflow" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand wal" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand wal" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand wal" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand wal" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand wal" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand wal" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand wal" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand wal" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand wal" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand wal" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand journal" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand journal" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand journal" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand journal" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand journal" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand journal" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand journal" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand journal" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand journal" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand journal" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand shm" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand shm" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand shm" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand shm" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand shm" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand shm" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand shm" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand shm" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand shm" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand shm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand locks" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand locks" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand locks" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand locks" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand locks" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand locks" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand locks" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand locks" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand locks" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand locks" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand space" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand space" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand space" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand space" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand space" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand space" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand space" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand space" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand space" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand space" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand map" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand map" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand map" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand map" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand map" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand map" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand map" -l by -d 'What colours stand for' -r -f -a "type\t'What pages are used for'
owner\t'The table or index'
fill\t'How full pages are'
age\t'How new pages are in the log'"
complete -c dbtool -n "__fish_dbtool_using_subcommand map" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand map" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand map" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand map" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand tree" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand tree" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand tree" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand tree" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand tree" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand tree" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand tree" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand tree" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand tree" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand tree" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand hash" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand hash" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand hash" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand hash" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand hash" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand hash" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand hash" -l like -d 'Only tables with a name that is LIKE this' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand hash" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand hash" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand hash" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand hash" -l schema-only -d 'Only the schema'
complete -c dbtool -n "__fish_dbtool_using_subcommand hash" -l without-schema -d 'Only the rows'
complete -c dbtool -n "__fish_dbtool_using_subcommand hash" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -s t -l table -d 'Only this table and what belongs to it; can be given several times' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -l schema-only -d 'Only what makes tables, indexes, views and triggers'
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -l data-only -d 'Only the rows'
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -l rowids -d 'Row ids also where no column is the row id'
complete -c dbtool -n "__fish_dbtool_using_subcommand dump" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -s t -l table -d 'Only this table; can be given several times' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -l limit -d 'List at most so many rows or pages; all are counted' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -l summary -d 'Only how many rows of each table differ'
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -l patch -d 'SQL that makes the second database of the first'
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -l pages -d 'Compare pages, not content'
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -l by-rowid -d 'Tell rows apart by their row ids also where a table has another primary key'
complete -c dbtool -n "__fish_dbtool_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand copy" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand copy" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand copy" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand copy" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand copy" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand copy" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand copy" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand copy" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand copy" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand copy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand salvage" -l wait -d 'Seconds to wait for a writer' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand salvage" -l retry -d 'How often to begin again when the file changed under a look without locks' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand salvage" -s f -l format -d 'How to print: table on a terminal and plain elsewhere when not given' -r -f -a "table\t'A box with lines, for people'
plain\t'Aligned columns without lines'
json\t'One JSON object'
ndjson\t'One JSON object a row'
csv\t'Comma-separated, with a header line'
tsv\t'Tab-separated, with a header line'
md\t'A table of Markdown'
html\t'A table of HTML, or a page for pictures'
svg\t'A picture'
sql\t'An INSERT for each row'"
complete -c dbtool -n "__fish_dbtool_using_subcommand salvage" -l color -d 'Whether to use colours; NO_COLOR turns them off as well' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c dbtool -n "__fish_dbtool_using_subcommand salvage" -l width -d 'Width of a line for people; that of the terminal when not given' -r
complete -c dbtool -n "__fish_dbtool_using_subcommand salvage" -l progress -d 'How to tell how far long work is, on standard error: a bar on a terminal, or one JSON object a second' -r -f -a "auto\t'A bar, where standard error is a terminal'
json\t'One object a second'
never\t'Not at all'"
complete -c dbtool -n "__fish_dbtool_using_subcommand salvage" -s o -l output -d 'The name of the new file, which must be free' -r -F
complete -c dbtool -n "__fish_dbtool_using_subcommand salvage" -l no-lock -d 'Take no locks; the files are compared at the end with what they were'
complete -c dbtool -n "__fish_dbtool_using_subcommand salvage" -l bytes -d 'Numbers of bytes and pages as they are, without units'
complete -c dbtool -n "__fish_dbtool_using_subcommand salvage" -l no-pager -d 'Do not show long answers in a pager; one is used on a terminal only: $DBTOOL_PAGER, $PAGER, or less'
complete -c dbtool -n "__fish_dbtool_using_subcommand salvage" -l freed -d 'Take rows of free pages as well: deleted rows come back in lost_and_found'
complete -c dbtool -n "__fish_dbtool_using_subcommand salvage" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dbtool -n "__fish_dbtool_using_subcommand help" -l completions -d 'Completions for a shell' -r -f -a "bash\t''
elvish\t''
fish\t''
powershell\t''
zsh\t''"
complete -c dbtool -n "__fish_dbtool_using_subcommand help" -l man -d 'The man page, in roff'
complete -c dbtool -n "__fish_dbtool_using_subcommand help" -s h -l help -d 'Print help'
