#compdef dbtool

autoload -U is-at-least

_dbtool() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_dbtool_commands" \
"*::: :->dbtool" \
&& ret=0
    case $state in
    (dbtool)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:dbtool-command-$line[1]:"
        case $line[1] in
            (info)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(schema)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'--graph[A picture of the tables and the foreign keys between them, as svg]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
'::name -- Only this table, index, view or trigger, and what belongs to it:_default' \
&& ret=0
;;
(tables)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(query)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'--explain[Show the plan of each statement and do not run it]' \
'--write[Allow changes to the file]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
':sql -- One or more statements:_default' \
&& ret=0
;;
(shell)
_arguments "${_arguments_options[@]}" : \
'*-c+[Run this SQL or dot command and leave; can be given several times]:SQL:_default' \
'*--command=[Run this SQL or dot command and leave; can be given several times]:SQL:_default' \
'-m+[How to print rows\: box, table, column, line, list, csv, tsv, json, ndjson, md, html, insert, quote]:MODE:_default' \
'--mode=[How to print rows\: box, table, column, line, list, csv, tsv, json, ndjson, md, html, insert, quote]:MODE:_default' \
'--init=[Run this file first, in place of dbtool/init in the folder of settings, which only a shell with an editor runs]:FILE:_files' \
'--write[Allow changes to the file]' \
'(--write)--new[Make the file, which must not be there yet]' \
'--bail[Stop at the first error]' \
'-h[Print help]' \
'--help[Print help]' \
'::file -- The database file; without one, a database in memory:_files' \
&& ret=0
;;
(bench)
_arguments "${_arguments_options[@]}" : \
'--folder=[Where to make it; the working folder when not given]:FOLDER:_files' \
'--rows=[How many rows it has]:ROWS:_default' \
'--seconds=[How long each work is measured]:SECONDS:_default' \
'--seed=[For the choice of rows and texts]:SEED:_default' \
'--peer=[Measure this engine as well, side by side]:ENGINE:((sqlite\:"SQLite, in builds with the feature \`peer-sqlite\`"))' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--new[Measure with a file that is made for it]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::file -- A database to measure with; a copy beside it is, and the file is only read:_files' \
&& ret=0
;;
(rows)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--limit=[At most so many]:ROWS:_default' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
':table -- The table or view:_default' \
&& ret=0
;;
(check)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--level=[1 header, 2 pages and their links, 3 the inside of pages, 4 records, 5 rows against indexes and constraints]:LEVEL:_default' \
'--limit=[Stop after so many findings]:FINDINGS:_default' \
'--fail-on=[The least severity that makes the exit code 1]:SEVERITY:((warn\:"Every finding"
error\:"Findings that endanger rows"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'(--level)--quick[The same as --level 2]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(page)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'--hex[Its bytes, each with what it is for]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
':number -- The page, from 1 on:_default' \
&& ret=0
;;
(cell)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
':address -- Page and cell, such as 7\:0:_default' \
&& ret=0
;;
(freelist)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(ptrmap)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(overflow)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(wal)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
'::view -- What to list:((frames\:"Each frame"
commits\:"Each commit"
pages\:"Each page with its newest frame"))' \
&& ret=0
;;
(journal)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(shm)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(locks)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(space)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(map)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--by=[What colours stand for]:BY:((type\:"What pages are used for"
owner\:"The table or index"
fill\:"How full pages are"
age\:"How new pages are in the log"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(tree)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
':name -- The table or index:_default' \
&& ret=0
;;
(hash)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--like=[Only tables with a name that is LIKE this]:PATTERN:_default' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'(--without-schema)--schema-only[Only the schema]' \
'--without-schema[Only the rows]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(dump)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'*-t+[Only this table and what belongs to it; can be given several times]:NAME:_default' \
'*--table=[Only this table and what belongs to it; can be given several times]:NAME:_default' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'(--data-only)--schema-only[Only what makes tables, indexes, views and triggers]' \
'--data-only[Only the rows]' \
'--rowids[Row ids also where no column is the row id]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(diff)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'*-t+[Only this table; can be given several times]:NAME:_default' \
'*--table=[Only this table; can be given several times]:NAME:_default' \
'--limit=[List at most so many rows or pages; all are counted]:ROWS:_default' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'--summary[Only how many rows of each table differ]' \
'(--summary --pages)--patch[SQL that makes the second database of the first]' \
'(--summary -t --table)--pages[Compare pages, not content]' \
'--by-rowid[Tell rows apart by their row ids also where a table has another primary key]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':first -- The first database:_files' \
':second -- The second database:_files' \
&& ret=0
;;
(copy)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
':to -- The name of the copy, which must be free:_files' \
&& ret=0
;;
(salvage)
_arguments "${_arguments_options[@]}" : \
'--wait=[Seconds to wait for a writer]:SECONDS:_default' \
'--retry=[How often to begin again when the file changed under a look without locks]:TIMES:_default' \
'-f+[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--format=[How to print\: table on a terminal and plain elsewhere when not given]:FORMAT:((table\:"A box with lines, for people"
plain\:"Aligned columns without lines"
json\:"One JSON object"
ndjson\:"One JSON object a row"
csv\:"Comma-separated, with a header line"
tsv\:"Tab-separated, with a header line"
md\:"A table of Markdown"
html\:"A table of HTML, or a page for pictures"
svg\:"A picture"
sql\:"An INSERT for each row"))' \
'--color=[Whether to use colours; NO_COLOR turns them off as well]:WHEN:((auto\:"On a terminal"
always\:"Always"
never\:"Never"))' \
'--width=[Width of a line for people; that of the terminal when not given]:COLUMNS:_default' \
'--progress=[How to tell how far long work is, on standard error\: a bar on a terminal, or one JSON object a second]:HOW:((auto\:"A bar, where standard error is a terminal"
json\:"One object a second"
never\:"Not at all"))' \
'-o+[The name of the new file, which must be free]:NEW:_files' \
'--output=[The name of the new file, which must be free]:NEW:_files' \
'--no-lock[Take no locks; the files are compared at the end with what they were]' \
'--bytes[Numbers of bytes and pages as they are, without units]' \
'--no-pager[Do not show long answers in a pager; one is used on a terminal only\: \$DBTOOL_PAGER, \$PAGER, or less]' \
'--freed[Take rows of free pages as well\: deleted rows come back in lost_and_found]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The database file:_files' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
'--completions=[Completions for a shell]:SHELL:(bash elvish fish powershell zsh)' \
'(--completions)--man[The man page, in roff]' \
'-h[Print help]' \
'--help[Print help]' \
'::command -- The command to explain:_default' \
&& ret=0
;;
        esac
    ;;
esac
}

(( $+functions[_dbtool_commands] )) ||
_dbtool_commands() {
    local commands; commands=(
'info:Identity card\: sizes, encoding, journal mode, counters, files beside it, locks, verdict' \
'schema:The SQL of tables, indexes, views and triggers' \
'tables:Tables with rows, columns and indexes' \
'query:Runs SQL and prints the rows' \
'shell:Statements and dot commands, with completion and history' \
'bench:Measures reads, inserts, commits and checkpoints on this machine and disk' \
'rows:The rows of a table' \
'check:Looks for damage; exit code 1 when there is some' \
'page:A page\: header, cells, free blocks, hex' \
'cell:A cell\: its record, value by value' \
'freelist:The list of free pages' \
'ptrmap:Who points to each page, in auto-vacuum files' \
'overflow:The chains of long payloads' \
'wal:The write-ahead log\: frames, commits or pages' \
'journal:The rollback journal' \
'shm:The wal-index\: header, read marks, hash tables' \
'locks:Who holds which lock' \
'space:Where the bytes are, and what VACUUM would return' \
'map:A picture of the whole file\: each page a cell' \
'tree:A table or index as a tree of pages' \
'hash:Hash of rows and schema, the same value as SQLite'\''s dbhash' \
'dump:SQL that makes the database again; the rows of one table in other formats' \
'diff:What differs between two databases, or SQL that makes the second of the first' \
'copy:A consistent copy of a file, also of one in use' \
'salvage:What can be read of a damaged file, in a new one' \
'help:This help, the man page, or shell completions' \
    )
    _describe -t commands 'dbtool commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__bench_commands] )) ||
_dbtool__subcmd__bench_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool bench commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__cell_commands] )) ||
_dbtool__subcmd__cell_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool cell commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__check_commands] )) ||
_dbtool__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool check commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__copy_commands] )) ||
_dbtool__subcmd__copy_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool copy commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__diff_commands] )) ||
_dbtool__subcmd__diff_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool diff commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__dump_commands] )) ||
_dbtool__subcmd__dump_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool dump commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__freelist_commands] )) ||
_dbtool__subcmd__freelist_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool freelist commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__hash_commands] )) ||
_dbtool__subcmd__hash_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool hash commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__help_commands] )) ||
_dbtool__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool help commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__info_commands] )) ||
_dbtool__subcmd__info_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool info commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__journal_commands] )) ||
_dbtool__subcmd__journal_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool journal commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__locks_commands] )) ||
_dbtool__subcmd__locks_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool locks commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__map_commands] )) ||
_dbtool__subcmd__map_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool map commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__overflow_commands] )) ||
_dbtool__subcmd__overflow_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool overflow commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__page_commands] )) ||
_dbtool__subcmd__page_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool page commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__ptrmap_commands] )) ||
_dbtool__subcmd__ptrmap_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool ptrmap commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__query_commands] )) ||
_dbtool__subcmd__query_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool query commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__rows_commands] )) ||
_dbtool__subcmd__rows_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool rows commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__salvage_commands] )) ||
_dbtool__subcmd__salvage_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool salvage commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__schema_commands] )) ||
_dbtool__subcmd__schema_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool schema commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__shell_commands] )) ||
_dbtool__subcmd__shell_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool shell commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__shm_commands] )) ||
_dbtool__subcmd__shm_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool shm commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__space_commands] )) ||
_dbtool__subcmd__space_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool space commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__tables_commands] )) ||
_dbtool__subcmd__tables_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool tables commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__tree_commands] )) ||
_dbtool__subcmd__tree_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool tree commands' commands "$@"
}
(( $+functions[_dbtool__subcmd__wal_commands] )) ||
_dbtool__subcmd__wal_commands() {
    local commands; commands=()
    _describe -t commands 'dbtool wal commands' commands "$@"
}

if [ "$funcstack[1]" = "_dbtool" ]; then
    _dbtool "$@"
else
    compdef _dbtool dbtool
fi
