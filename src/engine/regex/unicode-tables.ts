// Character tables of Python 3.11 (Unicode 14.0), printed by a script that asked Python itself: a Node of
// another Unicode version must not change what a segment matches. It holds data only and decodes nothing.
//
// Ranges are "gap+length" (base 36): the gap from the end of the range before, and the count of code points
// that follow the first. Case runs are "gap,delta,count,stride": the gap from the start of the run before,
// what to add to a code point, how many follow the first (0 if absent) and the step between them (1 if
// absent).

/** `str.isalnum()`: what `\w` matches, but for the underscore. */
export const alnumRanges =
  "1c+9 8+p 7+p 1c 8+1 2 4+1 2+2 2+m 2+u 2+cp 5+b f+4 8 2 3m+4 2+1 3+3 2 7 2+2 2 2+j 2+2a 2+3u 9+4l " +
  "2+11 3 7+14 20+q 5+3 1a+16 m+9 5+1 2+2q 2 g+1 8+e 3 h 2+t u+2g c f+16 a+1 5 6+l 5 a 4 o+o 8+a 6+n " +
  "2+5 i+15 1n+1h 4 j 8+9 5+9 2+f 5+7 3+1 3+l 2+6 2 4+3 4 h e+1 2+2 5+b 3+5 3 9+5 5+1 3+l 2+6 2+1 2+1 " +
  "2+1 w+3 2 8+9 3+2 h+8 2+2 2+l 2+6 2+1 2+4 4 j g+1 5+9 a c+7 3+1 3+l 2+6 2+1 2+4 4 v+1 2+2 5+9 2+6 c " +
  "2+5 4+2 2+3 4+1 2 2+1 4+1 4+2 4+b n m+c j+7 2+2 2+m 2+f 4 r+2 3 3+1 5+9 9+6 2 5+7 2+2 2+m 2+9 2+4 4 " +
  "w+1 2+1 5+9 2+1 i+8 2+2 2+14 3 h 6+2 2+9 5+i 2+5 6+h 4+n 2+8 2 3+6 w+9 i+1b 2+1 d+6 a+9 14+1 2 2+4 " +
  "2+n 2 2+9 2+1 a 3+4 2 a+9 3+3 x w+j d+7 2+z s+4 38+16 l+a 7+5 5+3 4 4+1 8+2 5+c d 2+9 7+11 2 6 3+16 " +
  "2+98 2+3 3+6 2 2+3 3+14 2+3 3+w 2+3 3+6 2 2+3 3+e 2+1k 2+3 3+1u f+j 4+f h+2d 3+5 4+h7 3+g 2+p 6+22 " +
  "4+a 8+h e+i f+h f+c 2+2 g+1f 10 5 4+9 7+9 n+9 7+2g 8+4 3+x 2 6+1x b+u 14+13 3+4 c+17 5+p 7+a 12+m " +
  "a+1g 18+9 7+9 e 2m+1a i+7 4+9 16+t e+1j r+z t+9 4+1c 3+8 8+16 3+2 16+3 2+5 2+1 4 6+5b 1t+7p 3+5 " +
  "3+11 3+5 3+7 2 2 2 2+u 3+1g 2+6 2 4+2 2+6 4+3 3+5 5+c 6+2 2+6 38+1 3+5 6+a 7+c 2u 5 3+9 2 4+4 7 2 2 " +
  "2+3 2+a 3+3 6+4 5 2+1l k7+1n 27+l hj+t vh+6c 7+3 4+1 a 3+11 2 6 3+1j 8 h+m a+6 2+6 2+6 2+6 2+6 2+6 " +
  "2+6 2+6 29 d2+2 q+8 8+4 3+4 5+2d 7+2 2+2h 2+3 6+16 2+2l 4+3 b+v 1d+f x+9 v+7 2+e x+9 14+e 8x+533 " +
  "1t+h3g 1w+19 3+7g 4+r l+1a h+u 3+27 14+8 3+2u 3+1r 6+1 2 2+4 p+f 2+2 2+3 2+m e+5 b+1f f+1d t+9 p+5 " +
  "4 2+1 2+11 b+m q+s 8+1a t+a 7+4 2+o 2+14 o+2 2+7 5+9 7+m 4 4+1d 2 4+1 3+4 3 2 p+2 3+a 8+2 d+5 3+5 " +
  "3+5 a+6 2+6 2+16 2+d 7+36 e+9 7+8mb d+m 5+1c 6it+a5 3+2x 13+6 d+4 6 2+9 2+c 2+4 2 2+1 2+1 2+2z y+a2 " +
  "j+1r 3+1h 15+b 39+4 2+3q k+9 8+p 7+p c+2g 4+5 3+5 3+5 3+2 10+b 2+p 2+i 2+1 2+e 3+d z+3e d+18 d+1k " +
  "i+1 6t+s 4+1c h+q 5+z a+t 6+11 b+t 3+z 5+7 2+4 17+4d 3+9 7+z 5+z 5+13 9+1f d+a 2+e 2+6 2+1 2+a 2+e " +
  "2+6 2+1 1w+8m a+l b+7 p+5 2+15 2+8 1y+5 3 2+17 2+1 4 3+m 3+u 3+11 9+8 1d+i 2+1 6+w 5+p 1z+1j 5+j " +
  "3+1a g+3 2+2 2+s b+8 o+u 2+v x+7 2+r 7+4 h+1h b+l 3+q 6+p o+6 29+20 1k+1e e+1e 8+15 d+9 87+u 2+15 " +
  "7+1 27+13 9+l c+3 s+h 1b+r l+m d+1g r+t 2+1 3 e+18 x+o 8+9 a+z g+9 5 3 9+y 4 d+1b f+3 c+a 2 5+j c+h " +
  "2+o 2d+6 2 2+3 2+e 2+9 8+1a i+9 c+7 3+1 3+l 2+6 2+1 2+4 4 j d+4 4f+1g j+3 6+9 6+2 v+1b l+1 2 9+9 " +
  "4n+1a 16+3 11+1b l c+9 13+16 e 8+9 1j+q m+b 5+6 56+17 39+2a d+7 3 3+7 2+1 2+n g 2 f+9 1z+7 3+12 h 2 " +
  "t b+13 8 m c+19 k j+20 7c+8 2+10 i g+s 6+t 35+6 2+1 2+11 m a+9 7+5 2+1 2+v f 8+9 8n+i 5a g+k 18+pl " +
  "2v+32 i+5f 219+2o g+tq 34i+g6 6nu+fs 8+u 2+9 7+26 2+9 7+t j+1b h+3 d+9 2+6 2+k 6+i j5+2e 2y+22 6 " +
  "1v+c 1t+1 2 t+4qf 9+yd 17+8 6w8+3 2+6 2+1 2+82 1a+2 i+3 9+az 1s5+2y 6+c 4+8 8+9 4ef+j 31+o 3s+2c " +
  "2+1y 2+1 3 3+1 3+3 2+b 2 2+6 2+1s 2+3 3+7 2+6 2+r 2+3 2+4 2 4+6 2+9f 3+o 2+o 2+u 2+o 2+u 2+o 2+u " +
  "2+o 2+u 2+o 2+7 3+1d 1dt+u de+18 b+6 3+9 5 8y+t j+17 5+9 yv+6 2+3 2+1 2+e 2+5g 3+8 1d+1v 8 5+9 " +
  "m0+1m 2+2 2+3 25+18 2+e 5f+3 2+q 2+1 2 3 2+9 2+3 2 2 7 5 2 2 2+2 2+1 2 3 2 2 2 2 2+1 2 3+3 2+6 2+3 " +
  "2+3 2 2+9 2+g 6+2 2+4 2+g g5+c 25g+9 sn+wyn x+37c 8+65 3+4g1 f+5rk 2e8+f1 15v+3t6";

/** `str.isdecimal()`: what `\d` matches. */
export const decimalRanges =
  "1c+9 17r+9 3r+9 5j+9 bh+9 3b+9 3b+9 3b+9 3b+9 3b+9 3b+9 3b+9 3b+9 3b+9 2p+9 3b+9 1z+9 7r+9 1z+9 " +
  "1fr+9 13+9 8d+9 3l+9 4n+9 7+9 53+9 2f+9 3r+9 7+9 r7r+9 iv+9 13+9 5j+9 n+9 2f+9 bb+9 gev+9 13b+9 " +
  "1on+9 ml+9 3l+9 1p+9 41+9 7r+9 9j+9 3b+9 af+9 2v+9 2v+9 br+9 2v+9 l3+9 6v+9 1z+9 f5j+9 2f+9 3r+9 " +
  "lf9+1d 1tt+9 br+9 193+9 3o7+9";

/** `str.isspace()`: what `\s` matches. */
export const spaceRanges = "9+4 f+4 2t r 4bk 1vk+a u+1 6 1c 335";

/** Simple lower case. */
export const lowerRuns =
  "1t,w,p 3j,w,m o,w,6 14,1,n,2 1c,-5j 2,1,2,2 7,1,7,2 h,1,m,2 1a,-3d 1,1,2,2 8,5u 1,1,1,2 4,5q 1,1 " +
  "2,5p,1 2,1 3,27 1,5m 1,5n 1,1 2,5p 1,5r 2,5v 1,5t 1,1 4,5v 1,5x 2,5y 1,1,2,2 6,62 1,1 2,62 3,1 2,62 " +
  "1,1 2,61,1 2,1,1,2 4,63 1,1 4,1 8,2 1,1 2,2 1,1 2,2 1,1,8,2 j,1,8,2 j,2 1,1,1,2 4,-2p 1,-1k 1,1,j,2 " +
  "14,-3m 2,1,8,2 o,8bv 1,1 2,-4j 1,8bs 3,1 2,-5f 1,1x 1,1z 1,1,4,2 8a,1,1,2 6,1 9,38 7,12 2,11,2 4,1s " +
  "2,1r,1 3,w,g i,w,8 18,8 9,1,b,2 s,-1o 3,1 2,-7 1,1 3,-3m,2 3,28,f g,w,v 28,1,g,2 16,1,q,2 1i,f " +
  "1,1,6,2 f,1,1b,2 2p,1c,11 29b,5ls,11 13,5ls 6,5ls k3,tzk,27 28,8,5 1pc,-2bk,16 19,-2bk,2 8z,1,22,2 " +
  "4e,-5vj 2,1,1b,2 2w,-8,7 g,-8,5 g,-8,7 g,-8,7 g,-8,5 h,-8,3,2 f,-8,7 w,-8,7 g,-8,7 g,-8,7 g,-8,1 " +
  "2,-22,1 2,-9 c,-2e,3 4,-9 c,-8,1 2,-2s,1 e,-8,1 2,-34,1 2,-7 c,-3k,1 2,-3i,1 2,-9 8a,-5st 4,-6gv " +
  "1,-6di 7,s 1a,g,f z,1 mr,q,p 1fu,1c,1b 2o,1 2,-8af 1,-2xy 1,-89z 3,1,2,2 6,-8bg 1,-8al 1,-8bj " +
  "1,-8bi 2,1 3,1 9,-8cf,1 2,1,1d,2 2z,1,1,2 7,1 nym,1,m,2 1s,1,d,2 4i,1,6,2 g,1,u,2 1z,1,1,2 4,-r9g " +
  "1,1,4,2 d,1 2,-wmg 3,1,1,2 6,1,9,2 k,-wn8 1,-wnj 1,-wnf 1,-wn5 1,-wn8 2,-wlu 1,-wmi 1,-wlx 1,ps " +
  "1,1,7,2 g,-1c 1,-wn7 1,-raw 1,1,1,2 9,1 6,1,1,2 v,1 h7w,w,p yn,14,13 4w,14,z 5c,13,a c,13,e g,13,6 " +
  "8,13,1 1d8,1s,1e 2e8,w,v gww,w,v o8w,y,x";

/** What `re` takes as upper case: the first code point of the full upper case. */
export const upperRuns =
  "2p,-w,p 2c,kn 16,-3w 1,-w,m o,-w,6 7,3d 2,-1,n,2 1c,-6g 2,-1,2,2 7,-1,7,2 f,ab 2,-1,m,2 1b,-1,2,2 " +
  "5,-8c 1,5f 3,-1,1,2 5,-1 4,-1 6,-1 3,2p 4,-1 1,4j 4,3m 3,-1,2,2 7,-1 5,-1 3,-1 4,-1,1,2 5,-1 4,-1 " +
  "2,1k 6,-1 1,-2 2,-1 1,-2 2,-1 1,-2 2,-1,7,2 f,-27 2,-1,8,2 h,-bq 2,-1 1,-2 2,-1 4,-1,j,2 16,-1,8,2 " +
  "p,-1 3,8cf,1 3,-1 5,-1,4,2 9,8bj 1,8bg 1,8bi 1,-5u 1,-5q 2,-5p,1 3,-5m 2,-5n 1,wnj 4,-5p 1,wnf " +
  "2,-5r 2,wmg 1,wn8 2,-5t 1,-5v 1,wn8 1,8af 1,wn5 3,-5v 2,8al 1,-5x 3,-5y 8,89z 3,-62 2,wn7 1,-62 " +
  "4,wmi 1,-62 1,-1x 1,-61,1 2,-1z 6,-63 b,wlx 1,wlu 4n,2c 18,-1,1,2 6,-1 4,3m,2 l,9 s,-12 1,-11,2 " +
  "3,-b 1,-w,g h,-v 1,-w,8 9,-1s 1,-1r,1 3,-1q 1,-1l 4,-1b 1,-1i 1,-8 2,-1,b,2 n,-2e 1,-28 1,7 1,-38 " +
  "2,-2o 3,-1 3,-1 1h,-w,v w,-28,f h,-1,g,2 16,-1,q,2 1j,-1,6,2 d,-f 2,-1,1b,2 40,-1c,11 12,-2a " +
  "289,2bk,16 19,2bk,2 l7,-8,5 1oo,-4tq 1,-4tp 1,-4tg 1,-4te,1 2,-4tf 1,-4t8 1,-4rp 1,r7m 6p,r9g 4,2xy " +
  "h,raw 37,-1,22,2 45,-5zi 1,-5z7 1,-5z5 1,-5z4 1,-5zt 1,-1n 6,-1,1b,2 2n,8,7 g,8,5 g,8,7 g,8,7 g,8,5 " +
  "g,-5gr 1,8 1,-5gt 1,8 1,-5gv 1,8 1,-5gx 1,8 9,8,7 g,22,1 2,2e,3 4,2s,1 2,3k,1 2,34,1 2,3i,1 4,-3c,7 " +
  "8,-3k,7 8,-2w,7 8,-34,7 8,-1k,7 8,-1s,7 8,8,2 3,-5k2 1,-5ke 2,-5k5 1,-5k6 5,-5kb 2,-5k5 4,8 1,-5kc " +
  "1,-5kr 2,-5kf 1,-5kg 5,-5kl 4,8,1 2,-5kp 1,-5kq 3,-5kt 1,-5ku 9,8,1 2,-5kt 1,-5ku 1,-5kz 1,7 1,-5kx " +
  "1,-5ky b,8 1,-5l6 1,-5lx 2,-5l9 1,-5la 5,-5lf 9e,-s y,-g,f k,-1 ng,-q,p 1gg,-1c,1b 1d,-1 4,-8bv " +
  "1,-8bs 2,-1,2,2 b,-1 3,-1 b,-1,1d,2 2z,-1,1,2 7,-1 d,-5ls,11 13,-5ls 6,-5ls nx0,-1,m,2 1s,-1,d,2 " +
  "4i,-1,6,2 g,-1,u,2 1z,-1,1,2 5,-1,4,2 d,-1 5,-1,1,2 3,1c 3,-1,9,2 u,-1,7,2 j,-1,1,2 9,-1 6,-1,1,2 " +
  "v,-1 nx,-ps t,-tzk,27 fps,-1diy 1,-1diz 1,-1dj0 1,-1dj1 1,-1dj2 1,-1diq 1,-1dir d,-1cjz 1,-1ck0 " +
  "1,-1ck1 1,-1cjs 1,-1ck3 tm,-w,p yv,-14,13 4w,-14,z 5b,-13,a c,-13,e g,-13,6 8,-13,1 1dx,-1s,1e " +
  "2dc,-w,v gww,-w,v o8y,-y,x";

/** `re._casefix._EXTRA_CASES`: a lower-case code point, and the others with the same upper case. */
export const extraCases =
  "2x:8h 37:an 51:qk 8h:2x an:37 n9:qh,69q pc:6ab q8:6ar qa:r4 qd:s5 qg:r5 qh:n9,69q qi:s0 qk:51 qo:ra " +
  "qp:s1 qq:qr qr:qq qu:r9 r4:qa r5:qg r9:qu ra:qo s0:qi s1:qp s5:qd tu:5mo tw:5mp u6:5mq u9:5mr " +
  "ua:5ms,5mt ui:5mu v7:5mv 5mo:tu 5mp:tw 5mq:u6 5mr:u9 5ms:ua,5mt 5mt:ua,5ms 5mu:ui 5mv:v7 5mw:wuj " +
  "601:61n 61n:601 69q:n9,qh 6ab:pc 6ar:q8 wuj:5mw 1dl1:1dl2 1dl2:1dl1";
