# The container's liveness check: does the edge itself answer? Asks no upstream.
exec 3<>/dev/tcp/127.0.0.1/80
printf 'GET /edge/health HTTP/1.0\r\n\r\n' >&3
read -r answer <&3
[[ $answer == *" 200 "* ]]
