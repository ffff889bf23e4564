# fish completion for tal-detect
complete -c tal-detect -l model -s m -r -a '(__fish_complete_directories)' -d 'Folder with the models and a file pipeline'
complete -c tal-detect -l print -d 'Print the pipe instead of running it'
complete -c tal-detect -l format -x -a 'tal csv srt webvtt html' -d 'What comes out'
complete -c tal-detect -l jobs -s j -x -d 'Videos at a time (0: all cores)'
complete -c tal-detect -l output -s o -r -d 'Write to FILE'
complete -c tal-detect -l help -s h -d 'Print the help and end'
complete -c tal-detect -l version -d 'Print the version and end'
