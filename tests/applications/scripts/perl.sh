cat >x.pl <<'E'
use IO::Socket::INET; use POSIX;
my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 7108, ReuseAddr => 1) or die $!;
my $p = fork; unless ($p) { my $c = $l->accept; print $c "hello\n"; exit 3 }
my $k = IO::Socket::INET->new('127.0.0.1:7108') or die $!; print <$k>; waitpid $p, 0; print $? >> 8, "\n"; print `echo child`;
E
perl x.pl >out.txt 2>perl.log || die perl; [ "$(tr '\n' ' ' <out.txt)" = 'hello 3 child ' ] || die "$(cat out.txt)"
