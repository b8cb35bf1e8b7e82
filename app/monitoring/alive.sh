#!/bin/sh
# alive.sh PORT PATH: does the program in this container answer 200? Official images have wget, Debian's have bash.
if command -v wget >/dev/null; then
    exec wget -q -T 2 -O /dev/null "http://127.0.0.1:$1$2"
fi
exec bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0"; printf "GET %s HTTP/1.0\r\n\r\n" "$1" >&3; read -r answer <&3; [[ $answer == *" 200 "* ]]' "$1" "$2"
